-- What wrk sends: `shots first rest`, a file with one request a line (method, path, body and headers between tabs), the first
-- number, and the mean rest in milliseconds.
local requests, numbered = {}, {}
local index, number, rest = 0, 0, 0

local function format(parts, body)
  return wrk.format(parts.method, parts.path, parts.headers, body ~= '' and body or nil)
end

local function read(line)
  local parts = { headers = {} }
  for part in (line .. '\t'):gmatch('(.-)\t') do parts[#parts + 1] = part end
  parts.method, parts.path, parts.body = parts[1], parts[2], parts[3]
  for place = 4, #parts do
    local name, value = parts[place]:match('^(.-):(.*)$')
    parts.headers[name] = value
  end
  return parts
end

function init(args)
  for line in io.lines(args[1]) do
    local parts = read(line)
    requests[#requests + 1] = format(parts, parts.body)
    numbered[#requests] = parts.body:find('{number}', 1, true) and parts
  end
  number, rest = tonumber(args[2]), tonumber(args[3])
  math.randomseed(number)
  -- Without a rest wrk is spared the question.
  if rest == 0 then delay = nil end
end

function request()
  index = index % #requests + 1
  local parts = numbered[index]
  if not parts then return requests[index] end
  number = number + 1
  return format(parts, (parts.body:gsub('{number}', string.format('%d', number), 1)))
end

function delay()
  return math.random(0, 2 * rest)
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('volley %d %d %d', summary.requests, latency:percentile(99), lost))
end
