-- itertools and functools.

local function flatten_once(lists)
  local result = {}
  for _, list in ipairs(lists) do
    for _, item in ipairs(to_list(list)) do
      table.insert(result, item)
    end
  end
  return result
end

local function combinations(list, size)
  local result, chosen = {}, {}
  local function choose(start)
    if #chosen == size then
      table.insert(result, table.move(chosen, 1, size, 1, {}))
      return
    end
    for i = start, #list do
      table.insert(chosen, list[i])
      choose(i + 1)
      table.remove(chosen)
    end
  end
  choose(1)
  return result
end

local function combinations_with_replacement(list, size)
  local result, chosen = {}, {}
  local function choose(start)
    if #chosen == size then
      table.insert(result, table.move(chosen, 1, size, 1, {}))
      return
    end
    for i = start, #list do
      table.insert(chosen, list[i])
      choose(i)
      table.remove(chosen)
    end
  end
  choose(1)
  return result
end

local function permutations(list, size)
  local result, chosen, used = {}, {}, {}
  size = size or #list
  local function choose()
    if #chosen == size then
      table.insert(result, table.move(chosen, 1, size, 1, {}))
      return
    end
    for i = 1, #list do
      if not used[i] then
        used[i] = true
        table.insert(chosen, list[i])
        choose()
        table.remove(chosen)
        used[i] = false
      end
    end
  end
  choose()
  return result
end

local function product(lists)
  local rows = {{}}
  for _, list in ipairs(lists) do
    local longer = {}
    for _, row in ipairs(rows) do
      for _, item in ipairs(list) do
        local next_row = table.move(row, 1, #row, 1, {})
        table.insert(next_row, item)
        table.insert(longer, next_row)
      end
    end
    rows = longer
  end
  return rows
end

local function accumulate(list, combine, start)
  local result, total = {}, start
  if start ~= nil then table.insert(result, start) end
  for _, item in ipairs(list) do
    if total == nil then
      total = item
    elseif combine then
      total = combine(total, item)
    else
      total = total + item
    end
    table.insert(result, total)
  end
  return result
end

local function reduce(combine, list, start)
  local total, first = start, 1
  if start == nil then total, first = list[1], 2 end
  for i = first, #list do
    total = combine(total, list[i])
  end
  return total
end

local function take(iterator, n)
  local result = {}
  while #result < n do
    local item = iterator()
    if item == nil then break end
    table.insert(result, item)
  end
  return result
end

local function take_while(test, list)
  local result = {}
  for _, item in ipairs(list) do
    if not test(item) then break end
    table.insert(result, item)
  end
  return result
end

local function drop_while(test, list)
  local first = 1
  while first <= #list and test(list[first]) do
    first = first + 1
  end
  return table.move(list, first, #list, 1, {})
end

local function group_by(list, key)
  local groups = {}
  for _, item in ipairs(list) do
    local item_key = item
    if key then item_key = key(item) end
    local last = groups[#groups]
    if last and equal(last[1], item_key) then
      table.insert(last[2], item)
    else
      table.insert(groups, {item_key, {item}})
    end
  end
  return groups
end

local function zip_longest(fill, ...)
  local lists, result, n = {...}, {}, 0
  for _, list in ipairs(lists) do
    n = math.max(n, #list)
  end
  for i = 1, n do
    local row = {}
    for _, list in ipairs(lists) do
      local item = list[i]
      if item == nil then item = fill end
      table.insert(row, item)
    end
    table.insert(result, row)
  end
  return result
end

local function pairwise(list)
  local result = {}
  for i = 1, #list - 1 do
    table.insert(result, {list[i], list[i + 1]})
  end
  return result
end

local function count_up(start, step)
  local n = (start or 0) - (step or 1)
  return function()
    n = n + (step or 1)
    return n
  end
end
