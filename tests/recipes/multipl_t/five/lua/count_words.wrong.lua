local function count_words(text)
  local counts = {}
  for word in text:gmatch("[^ ]+") do
    counts[word] = 1
  end
  return counts
end
