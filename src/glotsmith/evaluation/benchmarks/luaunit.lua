-- The part of luaunit that MultiPL-E's tests use, for machines without it: assertEquals and LuaUnit.run.
-- Equality is luaunit's: tables by content, keys that are tables too, numbers by ==, nan unequal to itself.
local M = {}
local function same(a, b, seen)
  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end
  if rawequal(a, b) then return true end
  if seen[a] == b then return true end
  seen[a] = b
  local count = 0
  for k, v in next, a do
    count = count + 1
    local other = rawget(b, k)
    if other == nil and type(k) == 'table' then
      for q, w in next, b do if type(q) == 'table' and same(k, q, seen) then other = w end end
    end
    if other == nil or not same(v, other, seen) then return false end
  end
  for _ in next, b do count = count - 1 end
  return count == 0
end
function M.assertEquals(actual, expected)
  if not same(actual, expected, {}) then
    error('expected: ' .. tostring(expected) .. ', actual: ' .. tostring(actual), 2)
  end
end
M.LuaUnit = {}
function M.LuaUnit.run()
  local names, failed = {}, 0
  for name, value in next, _G do
    if type(name) == 'string' and type(value) == 'function' and name:lower():sub(1, 4) == 'test' then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local ok, why = pcall(_G[name])
    if not ok then
      failed = failed + 1
      io.stderr:write(tostring(why), '\n')
    end
  end
  return failed
end
return M
