local function run_lengths(text)
  local runs = {}
  for _, code in utf8.codes(text) do
    local c, last = utf8.char(code), runs[#runs]
    if last and last[1] == c then
      last[2] = last[2] + 1
    else
      runs[#runs + 1] = { c, 1 }
    end
  end
  return runs
end
