local function chunked(items, size)
  local pieces = {}
  if size < 1 then
    return pieces
  end
  for start = 1, #items - size + 1, size do
    pieces[#pieces + 1] = table.move(items, start, math.min(start + size - 1, #items), 1, {})
  end
  return pieces
end
