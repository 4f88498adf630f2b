-- What wrk sends: `bodies first rest`, a file with one body a line, the first number, and the mean rest in milliseconds.
local requests, places = {}, {}
local index, number, rest = 0, 0, 0

local function wrap(body)
  return wrk.format('POST', nil, { ['Content-Type'] = 'application/json' }, body)
end

function init(args)
  for body in io.lines(args[1]) do
    requests[#requests + 1] = body:find('{number}', 1, true) and body or wrap(body)
    places[#requests] = body:find('{number}', 1, true) ~= nil
  end
  number, rest = tonumber(args[2]), tonumber(args[3])
  math.randomseed(number)
  -- Without a rest wrk is spared the question.
  if rest == 0 then delay = nil end
end

function request()
  index = index % #requests + 1
  if not places[index] then return requests[index] end
  number = number + 1
  return wrap((requests[index]:gsub('{number}', string.format('%d', number), 1)))
end

function delay()
  return math.random(0, 2 * rest)
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('volley %d %d %d', summary.requests, latency:percentile(99), lost))
end
