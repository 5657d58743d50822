// Names Telegraf and all it is built from here, so that `go build` can make the peer of `make bench ONLY=ingest`.
module forewarn/tests/bench/peers/telegraf

go 1.25.5

require github.com/influxdata/telegraf v1.37.2
