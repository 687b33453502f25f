-- Asks for the paths of a file in turn and prints one line of JSON: wrk -s urls.lua URL -- FILE ["Header: value"...]
local requests = {}
local at = 0

function init(args)
  local headers = {}
  for index = 2, #args do
    local name, value = args[index]:match("^([^:]+):%s*(.+)$")
    headers[name] = value
  end
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  io.write(string.format(
    '\nJSON {"requests": %d, "seconds": %.6f, "bytes": %.0f, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, "bad_status": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
