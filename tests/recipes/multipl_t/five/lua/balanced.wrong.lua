local function balanced(text)
  local partner = { [")"] = "(", ["]"] = "[", ["}"] = "{" }
  local stack = {}
  for c in text:gmatch("[%[%](){}]") do
    if not partner[c] then
      stack[#stack + 1] = c
    elseif table.remove(stack) ~= partner[c] then
      return false
    end
  end
  return true
end
