local function merge_counts(first, second)
  local merged = {}
  for key, count in pairs(first) do
    merged[key] = count
  end
  for key, count in pairs(second) do
    merged[key] = (merged[key] or 0) + count
  end
  for key, count in pairs(merged) do
    if count == 0 then
      merged[key] = nil
    end
  end
  return merged
end
