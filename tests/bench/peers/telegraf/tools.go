//go:build tools

// Package telegraf holds no code. It imports the program that tests/kit/peers.py builds, so that go.mod and go.sum pin
// every module behind it.
package telegraf

import (
	_ "github.com/influxdata/telegraf/cmd/telegraf"
)
