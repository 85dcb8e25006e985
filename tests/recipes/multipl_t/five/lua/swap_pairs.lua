local function swap_pairs(pairs)
  local swapped = {}
  for _, pair in ipairs(pairs) do
    if pair[1] >= 0 then
      swapped[#swapped + 1] = { pair[2], pair[1] }
    end
  end
  return swapped
end
