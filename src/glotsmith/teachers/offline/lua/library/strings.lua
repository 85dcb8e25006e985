-- Methods of strings; indices count code points from 0.

local function reverse(s)
  if utf8.len(s) == #s then return s:reverse() end
  local result = {}
  for char in s:gmatch(utf8.charpattern) do
    table.insert(result, 1, char)
  end
  return table.concat(result)
end

local function split(s, separator, limit)
  local parts, start = {}, 1
  limit = (limit == nil or limit < 0) and math.huge or limit
  if separator == nil then
    start = s:find("%S")
    while start do
      if #parts == limit then
        table.insert(parts, (s:sub(start):gsub("%s+$", "")))
        break
      end
      local stop = s:find("%s", start) or #s + 1
      table.insert(parts, s:sub(start, stop - 1))
      start = s:find("%S", stop)
    end
    return parts
  end
  while #parts < limit do
    local first, last = s:find(separator, start, true)
    if not first then break end
    table.insert(parts, s:sub(start, first - 1))
    start = last + 1
  end
  table.insert(parts, s:sub(start))
  return parts
end

local function rsplit(s, separator, limit)
  local all = split(s, separator)
  if limit == nil or limit < 0 then limit = #all end
  if #all - 1 <= limit then return all end
  if separator == nil then
    local rest = s:gsub("%s+$", "")
    local tail = {}
    for _ = 1, limit do
      local head, word = rest:match("^(.-)%s+(%S+)$")
      table.insert(tail, 1, word)
      rest = head
    end
    table.insert(tail, 1, (rest:gsub("%s+$", "")))
    return tail
  end
  local cut = #all - limit
  local parts = {table.concat(all, separator, 1, cut)}
  return table.move(all, cut + 1, #all, 2, parts)
end

local function split_lines(s, keep)
  local lines = {}
  local start = 1
  while start <= #s do
    local first, last = s:find("\r?\n", start)
    local lone = s:find("\r", start, true)
    if lone and (not first or lone < first) then first, last = lone, lone end
    if not first then first, last = #s + 1, #s end
    table.insert(lines, s:sub(start, keep and last or first - 1))
    start = last + 1
  end
  return lines
end

local function lstrip(s, set)
  if set == nil then return (s:gsub("^%s+", "")) end
  local start = 1
  while start <= #s do
    local stop = utf8.offset(s, 2, start) or #s + 1
    if not set:find(s:sub(start, stop - 1), 1, true) then break end
    start = stop
  end
  return s:sub(start)
end

local function rstrip(s, set)
  if set == nil then return s:match("^(.-)%s*$") end
  local stop = #s
  while stop > 0 do
    local start = utf8.offset(s, -1, stop + 1)
    if not set:find(s:sub(start, stop), 1, true) then break end
    stop = start - 1
  end
  return s:sub(1, stop)
end

local function strip(s, set)
  return lstrip(rstrip(s, set), set)
end

local function replace(s, old, new, limit)
  if old == "" then
    local spaced = new .. table.concat(chars(s), new)
    return s == "" and new or spaced .. new
  end
  local parts, start = {}, 1
  while limit == nil or limit < 0 or #parts < limit do
    local first, last = s:find(old, start, true)
    if not first then break end
    table.insert(parts, s:sub(start, first - 1))
    start = last + 1
  end
  table.insert(parts, s:sub(start))
  return table.concat(parts, new)
end

local function find(s, part, first, last)
  local n = utf8.len(s)
  local from, to = bounds(n, first, last, 1)
  if from > n or (first or 0) > n then return -1 end
  local low = utf8.offset(s, from + 1)
  local high = utf8.offset(s, to + 2) or #s + 1
  local at = s:sub(1, high - 1):find(part, low, true)
  return at and utf8.len(s, 1, at - 1) or -1
end

local function rfind(s, part)
  for at = #s - #part + 1, 1, -1 do
    if s:sub(at, at + #part - 1) == part then return utf8.len(s, 1, at - 1) end
  end
  return -1
end

local function string_index(s, part, first, last)
  local at = find(s, part, first, last)
  if at < 0 then error("ValueError: substring not found") end
  return at
end

local function string_rindex(s, part)
  local at = rfind(s, part)
  if at < 0 then error("ValueError: substring not found") end
  return at
end

local function count_substring(s, part)
  if part == "" then return utf8.len(s) + 1 end
  local n, start = 0, 1
  while true do
    local first, last = s:find(part, start, true)
    if not first then return n end
    n, start = n + 1, last + 1
  end
end

local function capitalize(s)
  return s:sub(1, 1):upper() .. s:sub(2):lower()
end

local function title(s)
  return (s:gsub("%a+", function(word) return word:sub(1, 1):upper() .. word:sub(2):lower() end))
end

local function swapcase(s)
  return (s:gsub("%a", function(char) return char:find("%l") and char:upper() or char:lower() end))
end

local function is_upper(s)
  return s:find("%u") ~= nil and s:find("%l") == nil
end

local function is_lower(s)
  return s:find("%l") ~= nil and s:find("%u") == nil
end

local function is_title(s)
  return s:find("%a") ~= nil and title(s) == s
end

local function ljust(s, width, fill)
  return s .. (fill or " "):rep(width - utf8.len(s))
end

local function rjust(s, width, fill)
  return (fill or " "):rep(width - utf8.len(s)) .. s
end

local function center(s, width, fill)
  local missing = math.max(width - utf8.len(s), 0)
  local left = missing // 2 + (missing & width & 1)
  return (fill or " "):rep(left) .. s .. (fill or " "):rep(missing - left)
end

local function zfill(s, width)
  local sign, digits = s:match("^([+-]?)(.*)$")
  return sign .. ("0"):rep(width - utf8.len(s)) .. digits
end

local function partition(s, separator)
  local first, last = s:find(separator, 1, true)
  if not first then return {s, "", ""} end
  return {s:sub(1, first - 1), separator, s:sub(last + 1)}
end

local function rpartition(s, separator)
  for at = #s - #separator + 1, 1, -1 do
    if s:sub(at, at + #separator - 1) == separator then
      return {s:sub(1, at - 1), separator, s:sub(at + #separator)}
    end
  end
  return {"", "", s}
end

local function startswith(s, prefix)
  if type(prefix) == "table" then
    for _, part in ipairs(prefix) do
      if s:sub(1, #part) == part then return true end
    end
    return false
  end
  return s:sub(1, #prefix) == prefix
end

local function endswith(s, suffix)
  if type(suffix) == "table" then
    for _, part in ipairs(suffix) do
      if part == "" or s:sub(-#part) == part then return true end
    end
    return false
  end
  return suffix == "" or s:sub(-#suffix) == suffix
end

local function remove_prefix(s, prefix)
  return startswith(s, prefix) and s:sub(#prefix + 1) or s
end

local function remove_suffix(s, suffix)
  return endswith(s, suffix) and s:sub(1, #s - #suffix) or s
end

local function expand_tabs(s, size)
  local result, column = {}, 0
  for char in s:gmatch(utf8.charpattern) do
    if char == "\t" then
      char = (" "):rep((size or 8) - column % (size or 8))
    end
    table.insert(result, char)
    column = char == "\n" and 0 or column + utf8.len(char)
  end
  return table.concat(result)
end
