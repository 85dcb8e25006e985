local function rotate(words, k, left)
  local n, rotated = #words, {}
  for i = 1, n do
    rotated[i] = words[(i - 1 + k) % n + 1]
  end
  return rotated
end
