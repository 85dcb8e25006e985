-- Dicts and sets. A set is a table of item → true.

local function Dict(entries, default)
  -- keeps insertion order, and takes tables as keys
  local keys, values, slots, n = {}, {}, {}, 0
  local function encode(key)
    if type(key) ~= "table" then return key end
    local parts = {}
    for i, part in ipairs(key) do
      parts[i] = type(part) .. ":" .. tostring(encode(part))
    end
    return "\0(" .. table.concat(parts, "\0,") .. ")"
  end
  local self = setmetatable({}, {
    __index = function(map, key)
      local slot = slots[encode(key)]
      if slot then return values[slot] end
      if default then
        map[key] = default()
        return map[key]
      end
    end,
    __newindex = function(_, key, value)
      local code = encode(key)
      local slot = slots[code]
      if value == nil then
        if slot then slots[code], keys[slot], values[slot] = nil, nil, nil end
      elseif slot then
        values[slot] = value
      else
        n = n + 1
        slots[code], keys[n], values[n] = n, key, value
      end
    end,
    __pairs = function()
      local i = 0
      return function()
        while i < n do
          i = i + 1
          if keys[i] ~= nil then return keys[i], values[i] end
        end
      end
    end,
    has = function(key) return slots[encode(key)] ~= nil end,
  })
  for _, pair in ipairs(entries or {}) do
    self[pair[1]] = pair[2]
  end
  return self
end

local function Set()
  return Dict()
end

local function plain(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do
    result[key] = plain(item)
  end
  return result
end

local function is_empty(t)
  for _ in pairs(t) do return false end
  return true
end

local function count_entries(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

local function sorted_pairs(t)
  local keys, i = sorted_keys(t), 0
  return function()
    i = i + 1
    if keys[i] ~= nil then return keys[i], t[keys[i]] end
  end
end

local function keys(t)
  local result = {}
  for key in pairs(t) do
    table.insert(result, key)
  end
  return result
end

local function values(t)
  local result = {}
  for _, value in pairs(t) do
    table.insert(result, value)
  end
  return result
end

local function items(t)
  local result = {}
  for key, value in pairs(t) do
    table.insert(result, {key, value})
  end
  return result
end

local function sorted_values(t)
  local result = {}
  for _, key in ipairs(sorted_keys(t)) do
    table.insert(result, t[key])
  end
  return result
end

local function sorted_items(t)
  local result = {}
  for _, key in ipairs(sorted_keys(t)) do
    table.insert(result, {key, t[key]})
  end
  return result
end

local function merge(target, ...)
  for _, source in ipairs({...}) do
    for key, value in pairs(source) do
      target[key] = value
    end
  end
  return target
end

local function clear_entries(t)
  for _, key in ipairs(sorted_keys(t)) do
    t[key] = nil
  end
end

local function dict_of(pairs_list)
  local map = {}
  for _, pair in ipairs(pairs_list) do
    map[pair[1]] = pair[2]
  end
  return map
end

local function from_keys(result, keys_list, value)
  for _, key in ipairs(keys_list) do
    result[key] = value
  end
  return result
end

local function counter(list)
  local map = {}
  for _, item in ipairs(list) do
    map[item] = (map[item] or 0) + 1
  end
  return map
end

local function set_of(list)
  local map = {}
  for _, item in ipairs(list) do
    map[item] = true
  end
  return map
end

local function add_all(set, list)
  for _, item in ipairs(list) do
    set[item] = true
  end
end

local function union(a, b)
  local map = {}
  for item in pairs(a) do map[item] = true end
  for item in pairs(b) do map[item] = true end
  return map
end

local function intersection(a, b)
  local map = {}
  for item in pairs(a) do
    if b[item] then map[item] = true end
  end
  return map
end

local function difference(a, b)
  local map = {}
  for item in pairs(a) do
    if not b[item] then map[item] = true end
  end
  return map
end

local function symmetric_difference(a, b)
  return union(difference(a, b), difference(b, a))
end

local function is_subset(a, b)
  for item in pairs(a) do
    if not b[item] then return false end
  end
  return true
end

local function is_disjoint(a, b)
  for item in pairs(a) do
    if b[item] then return false end
  end
  return true
end

local function deep_copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do
    result[key] = deep_copy(item)
  end
  return result
end
