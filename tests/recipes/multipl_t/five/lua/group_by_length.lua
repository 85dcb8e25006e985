local function group_by_length(words)
  local groups = {}
  for _, word in ipairs(words) do
    local length = utf8.len(word)
    groups[length] = groups[length] or {}
    table.insert(groups[length], word)
  end
  return groups
end
