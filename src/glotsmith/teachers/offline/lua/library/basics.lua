-- What Python does with values of any kind.

local function truthy(value)
  if type(value) == "table" then
    for _ in pairs(value) do return true end
    return false
  end
  return value ~= nil and value ~= false and value ~= 0 and value ~= ""
end

local function equal(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function less(a, b)
  if type(a) == "boolean" then a = a and 1 or 0 end
  if type(b) == "boolean" then b = b and 1 or 0 end
  if type(a) ~= "table" then return a < b end
  for i = 1, math.min(#a, #b) do
    if not equal(a[i], b[i]) then return less(a[i], b[i]) end
  end
  return #a < #b
end

local function chars(s)
  local result = {}
  for char in s:gmatch(utf8.charpattern) do
    table.insert(result, char)
  end
  return result
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    table.insert(keys, key)
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return less(a, b) end
    return type(a) < type(b)
  end)
  return keys
end

local function collect(iterator)
  local result = {}
  for item in iterator do
    table.insert(result, item)
  end
  return result
end

local function to_list(value)
  if type(value) == "string" then return chars(value) end
  if type(value) == "function" then return collect(value) end
  if #value > 0 then return value end
  return sorted_keys(value)
end

local function iter(items)
  local i = 0
  return function()
    i = i + 1
    return items[i]
  end
end

local function iterate(value)
  if type(value) == "function" then return value end
  return iter(to_list(value))
end

local function len(value)
  if type(value) == "string" then return utf8.len(value) end
  if #value > 0 then return #value end
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  return n
end

local function concat(...)
  local result = {}
  for _, items in ipairs({...}) do
    table.move(items, 1, #items, #result + 1, result)
  end
  return result
end

local function add(a, b)
  if type(a) == "string" then return a .. b end
  if type(a) == "table" then return concat(a, b) end
  if type(a) == "boolean" then a = a and 1 or 0 end
  if type(b) == "boolean" then b = b and 1 or 0 end
  return a + b
end

local function repeated(items, n)
  local result = {}
  for _ = 1, n do
    table.move(items, 1, #items, #result + 1, result)
  end
  return result
end

local function multiply(a, b)
  if type(b) == "string" or type(b) == "table" then a, b = b, a end
  if type(a) == "string" then return a:rep(b) end
  if type(a) == "table" then return repeated(a, b) end
  return a * b
end

local function position(items, i)
  return i < 0 and #items + i + 1 or i + 1
end

local function slot(items, i)
  if #items > 0 and math.type(i) == "integer" then return position(items, i) end
  return i
end

local function char_at(s, i)
  local n = utf8.len(s)
  if i < 0 then i = i + n end
  if i < 0 or i >= n then error("IndexError: string index out of range") end
  if n == #s then return s:sub(i + 1, i + 1) end
  return s:sub(utf8.offset(s, i + 1), utf8.offset(s, i + 2) - 1)
end

local function get(value, key)
  if type(value) == "string" then return char_at(value, key) end
  return value[slot(value, key)]
end

local function item_at(items, i)
  local item = items[position(items, i)]
  if item == nil then error("IndexError: list index out of range") end
  return item
end

local function entry(t, key)
  local value = t[key]
  if value == nil then error("KeyError: " .. tostring(key)) end
  return value
end

local function present(value)
  if value == nil then error("StopIteration") end
  return value
end

local function bounds(n, first, last, step)
  local low, high = step > 0 and 0 or -1, step > 0 and n or n - 1
  local function clamp(i, default)
    if i == nil then return default end
    if i < 0 then i = i + n end
    return math.max(low, math.min(i, high))
  end
  if step > 0 then return clamp(first, low), clamp(last, high) - 1 end
  return clamp(first, high), clamp(last, low) + 1
end

local function slice(items, first, last, step)
  step = step or 1
  local from, to = bounds(#items, first, last, step)
  local result = {}
  for i = from, to, step do
    table.insert(result, items[i + 1])
  end
  return result
end

local function substring(s, first, last, step)
  if step == nil and utf8.len(s) == #s then
    local from, to = bounds(#s, first, last, 1)
    return s:sub(from + 1, to + 1)
  end
  return table.concat(slice(chars(s), first, last, step))
end

local function slice_any(value, first, last, step)
  if type(value) == "string" then return substring(value, first, last, step) end
  return slice(value, first, last, step)
end

local function contains(items, item)
  for _, other in ipairs(items) do
    if equal(other, item) then return true end
  end
  return false
end

local function contains_any(value, item)
  if type(value) == "string" then return value:find(item, 1, true) ~= nil end
  if #value > 0 then return contains(value, item) end
  return value[item] ~= nil
end
