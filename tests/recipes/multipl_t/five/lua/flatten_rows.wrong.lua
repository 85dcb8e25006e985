local function flatten_rows(rows, skip_negative)
  local flat = {}
  for _, row in ipairs(rows) do
    for _, number in ipairs(row) do
      if number > 0 or not skip_negative then
        flat[#flat + 1] = number
      end
    end
  end
  return flat
end
