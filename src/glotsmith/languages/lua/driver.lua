-- Loads candidate.lua from the same folder, calls the entry point once per argument list in calls.lua, and prints typed
-- results. The file job contains the mark and the name of the entry point. As `driver.lua warm`, it forks first
-- (sandbox/fork_server). All globals are stored in locals first, because the candidate may change any global.
local folder = arg[0]:match("^(.*)/[^/]*$") or "."
local stdout, stderr, open, exit = io.stdout, io.stderr, io.open, os.exit
local load, next, pcall, rawget, tostring, type = load, next, pcall, rawget, tostring, type
local byte, concat, format, gsub = string.byte, table.concat, string.format, string.gsub
local mathtype, huge, pack, unpack = math.type, math.huge, table.pack, table.unpack
local write, flush = stdout.write, stdout.flush

local mark, entry

local function emit(event, ...)
  write(stdout, "\n", mark, " ", event)
  for _, part in next, { ... } do write(stdout, " ", part) end
  write(stdout, "\n")
  flush(stdout)
end

local function quote(s)
  return '"' .. gsub(s, '[%c"\\]', function(c) return format("\\u%04x", byte(c)) end) .. '"'
end

local function float(x)
  if x ~= x then return '{"f":"nan"}' end
  if x == huge or x == -huge then return x > 0 and '{"f":"inf"}' or '{"f":"-inf"}' end
  return format('{"f":"%.17g"}', x)
end

local function text(problem)
  local ok, words = pcall(tostring, problem)  -- __tostring is the program's
  return quote(ok and words or "an error")
end

local encode

local function table_(t, depth)
  if depth > 100 then return '{"x":"too deep"}' end
  local n, parts = 0, {}
  for _ in next, t do n = n + 1 end
  for i = 1, n do
    local item = rawget(t, i)
    if item == nil then parts = nil break end
    parts[i] = encode(item, depth + 1)
  end
  if parts then return "[" .. concat(parts, ",") .. "]" end
  parts = {}
  for k, v in next, t do
    parts[#parts + 1] = "[" .. encode(k, depth + 1) .. "," .. encode(v, depth + 1) .. "]"
  end
  return '{"m":[' .. concat(parts, ",") .. "]}"
end

function encode(v, depth)
  local kind = type(v)
  if v == nil then return "null" end
  if kind == "boolean" then return tostring(v) end
  if kind == "number" then return mathtype(v) == "integer" and format("%d", v) or float(v) end
  if kind == "string" then return quote(v) end
  if kind == "table" then return table_(v, depth) end
  return '{"x":"' .. kind .. '"}'
end

local function fail(message)
  stderr:write(tostring(message), "\n")
  exit(1)
end

local function read(name)
  local file = open(folder .. "/" .. name, "rb")
  local text = file:read("a")
  file:close()
  return text
end

-- The entry point may be local to the candidate's chunk, so it is fetched by a last line of that chunk;
-- a candidate that ends in a return of its own (a module) is asked for what it returns.
if arg[1] == "warm" then
  package.loadlib("/box/fork_server/fork_server.so", "become_fork_server")()
  arg[1] = nil
end
mark, entry = read("job"):match("^(.-)\n(.-)\n")
local calls = load(read("calls.lua"), "=calls")()
local source = read("candidate.lua")
local chunk = load(source .. "\nreturn " .. entry, "=candidate", "t")
local module = not chunk
local message
if module then chunk, message = load(source, "=candidate", "t") end
if not chunk then fail(message) end
emit("start")

local ok, f = pcall(chunk)
if not ok then
  emit("raised", "load", text(f))
  exit(1)
end
if module and type(f) == "table" then f = f[entry] end
if type(f) ~= "function" then f = rawget(_G, entry) end
if f == nil then
  emit("absent")
  exit(1)
end
emit("loaded")

for i = 1, #calls do
  local given = pack(calls[i]())
  local done, value = pcall(f, unpack(given, 1, given.n))
  if done then done, value = pcall(encode, value, 0) end
  if done then
    emit("value", format("%d", i - 1), value)
  else
    emit("raised", format("%d", i - 1), text(value))
  end
end
emit("end")
exit(0)
