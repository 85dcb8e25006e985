local function run_lengths(text)
  local runs = {}
  for c in text:gmatch(".") do
    local last = runs[#runs]
    if last and last[1] == c then
      last[2] = last[2] + 1
    else
      runs[#runs + 1] = { c, 1 }
    end
  end
  return runs
end
