//go:build tools

// Package influxd27 holds no code. It imports the program that infra/bin/influx_build.py builds, so that go.mod and
// go.sum pin every module behind it.
package influxd27

import (
	_ "github.com/influxdata/influxdb/v2/cmd/influxd"
)
