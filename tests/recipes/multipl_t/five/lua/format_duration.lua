local function format_duration(seconds)
  local sign = seconds < 0 and "-" or ""
  seconds = math.abs(seconds)
  local hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
  if hours > 0 then
    return string.format("%s%d:%02d:%02d", sign, hours, minutes, rest)
  end
  return string.format("%s%d:%02d", sign, minutes, rest)
end
