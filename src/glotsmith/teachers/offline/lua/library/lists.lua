-- Lists: methods and builtins.

local function range(first, last, step)
  local result = {}
  for i = first, last, step or 1 do
    table.insert(result, i)
  end
  return result
end

local function reversed(list)
  local result = {}
  for i = #list, 1, -1 do
    table.insert(result, list[i])
  end
  return result
end

local function reverse_in_place(list)
  local n = #list
  for i = 1, n // 2 do
    list[i], list[n - i + 1] = list[n - i + 1], list[i]
  end
end

local function extend(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

local function insert(list, i, item)
  if i < 0 then i = math.max(#list + i, 0) end
  table.insert(list, math.min(i, #list) + 1, item)
end

local function index_of(list, item, first)
  for i = (first or 0) + 1, #list do
    if equal(list[i], item) then return i - 1 end
  end
  error("ValueError: item is not in list")
end

local function remove(list, item)
  table.remove(list, index_of(list, item) + 1)
end

local function count(list, item)
  local n = 0
  for _, other in ipairs(list) do
    if equal(other, item) then n = n + 1 end
  end
  return n
end

local function index_any(value, item)
  if type(value) == "string" then return string_index(value, item) end
  return index_of(value, item)
end

local function count_any(value, item)
  if type(value) == "string" then return count_substring(value, item) end
  return count(value, item)
end

local function clear(list)
  for i = #list, 1, -1 do
    list[i] = nil
  end
end

local function set_slice(list, new, first, last, step)
  local from, to = bounds(#list, first, last, step or 1)
  if step and step ~= 1 then
    local n = 0
    for i = from, to, step do
      n = n + 1
      list[i + 1] = new[n]
    end
    if #new == 0 then
      local kept = {}
      for i = 0, #list + n do
        if list[i + 1] ~= nil then table.insert(kept, list[i + 1]) end
      end
      for i = 1, #list + n do list[i] = kept[i] end
    end
    return
  end
  to = math.max(to, from - 1)
  local tail = table.move(list, to + 2, #list, 1, {})
  local size = #list
  table.move(new, 1, #new, from + 1, list)
  table.move(tail, 1, #tail, from + #new + 1, list)
  for i = from + #new + #tail + 1, size do
    list[i] = nil
  end
end

local function sort(list, key, reverse)
  -- table.sort is not stable: equal keys are kept in their order by their index
  local entries = {}
  for i, item in ipairs(list) do
    entries[i] = {item = item, rank = i, key = item}
    if key then entries[i].key = key(item) end
  end
  table.sort(entries, function(a, b)
    if less(a.key, b.key) then return not reverse end
    if less(b.key, a.key) then return reverse == true end
    return a.rank < b.rank
  end)
  for i, entry in ipairs(entries) do
    list[i] = entry.item
  end
end

local function sorted(list, key, reverse)
  local result = table.move(list, 1, #list, 1, {})
  sort(result, key, reverse)
  return result
end

local function min(list, key, default)
  local best, best_key = default, nil
  for i, item in ipairs(list) do
    local item_key = item
    if key then item_key = key(item) end
    if i == 1 or less(item_key, best_key) then best, best_key = item, item_key end
  end
  if best == nil then error("ValueError: min() arg is an empty sequence") end
  return best
end

local function max(list, key, default)
  local best, best_key = default, nil
  for i, item in ipairs(list) do
    local item_key = item
    if key then item_key = key(item) end
    if i == 1 or less(best_key, item_key) then best, best_key = item, item_key end
  end
  if best == nil then error("ValueError: max() arg is an empty sequence") end
  return best
end

local function enumerate(list, start)
  local result = {}
  for i, item in ipairs(list) do
    table.insert(result, {i - 1 + (start or 0), item})
  end
  return result
end

local function zip(...)
  local lists, result = {...}, {}
  local n = math.huge
  for _, list in ipairs(lists) do
    n = math.min(n, #list)
  end
  for i = 1, #lists > 0 and n or 0 do
    local row = {}
    for _, list in ipairs(lists) do
      table.insert(row, list[i])
    end
    table.insert(result, row)
  end
  return result
end

local function bisect_left(list, item)
  local low, high = 0, #list
  while low < high do
    local middle = (low + high) // 2
    if less(list[middle + 1], item) then low = middle + 1 else high = middle end
  end
  return low
end

local function bisect_right(list, item)
  local low, high = 0, #list
  while low < high do
    local middle = (low + high) // 2
    if less(item, list[middle + 1]) then high = middle else low = middle + 1 end
  end
  return low
end

local function heapify(list)
  sort(list)
end

local function heappush(list, item)
  table.insert(list, bisect_right(list, item) + 1, item)
end

local function heappop(list)
  return table.remove(list, 1)
end
