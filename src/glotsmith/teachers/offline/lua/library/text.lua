-- Values as text, as Python writes them.

local function float_text(x)
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  local digits, exponent
  for precision = 0, 16 do
    local text = string.format("%." .. precision .. "e", x)
    if tonumber(text) == x then
      digits, exponent = text:match("^(.-)e(.+)$")
      break
    end
  end
  exponent = math.tointeger(tonumber(exponent))
  if exponent < -4 or exponent >= 16 then
    return string.format("%se%s%02d", digits, exponent < 0 and "-" or "+", math.abs(exponent))
  end
  local _, count = digits:gsub("%d", "")
  return string.format("%." .. math.max(count - 1 - exponent, 1) .. "f", x)
end

local function repr(value)
  if value == nil then return "None" end
  if type(value) == "boolean" then return value and "True" or "False" end
  if math.type(value) == "float" then return float_text(value) end
  if type(value) == "number" then return tostring(value) end
  if type(value) == "string" then
    local mark = value:find("'", 1, true) and not value:find('"', 1, true) and '"' or "'"
    local escaped = value:gsub("\\", "\\\\"):gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("\r", "\\r")
    if mark == "'" then escaped = escaped:gsub("'", "\\'") end
    return mark .. escaped .. mark
  end
  local parts = {}
  for _, item in ipairs(value) do
    table.insert(parts, repr(item))
  end
  return "[" .. table.concat(parts, ", ") .. "]"
end

local function str(value)
  return type(value) == "string" and value or repr(value)
end

local function grouped(digits)
  local text = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function format(value, spec)
  local fill, align, rest = spec:match("^(.)([<>^=])(.*)$")
  if not align then
    fill = " "
    align, rest = spec:match("^([<>^=]?)(.*)$")
  end
  local sign, alternate, zero, width, comma, precision, kind =
    rest:match("^([+ -]?)(#?)(0?)(%d*)(,?)%.?(%d*)([%a%%]?)$")
  local text, negative = nil, type(value) == "number" and value < 0
  local size = type(value) == "number" and math.abs(value)
  if type(value) ~= "number" or kind == "s" then
    text = str(value)
    if precision ~= "" then text = substring(text, 0, math.tointeger(precision)) end
  elseif kind == "b" or kind == "o" or kind == "x" or kind == "X" then
    text = to_base(size, ({b = 2, o = 8})[kind] or 16, alternate ~= "" and "0" .. kind or "")
    if kind == "X" then text = text:upper() end
  elseif kind == "%" then
    text = string.format("%." .. (precision == "" and "6" or precision) .. "f%%", size * 100)
  elseif kind ~= "" and kind ~= "d" then
    text = string.format("%." .. (precision == "" and "6" or precision) .. kind, size)
  elseif precision ~= "" then
    text = string.format("%." .. precision .. "g", size)
  else
    text = str(size)
  end
  if comma ~= "" then
    local whole, fraction = text:match("^(%d+)(.*)$")
    text = grouped(whole) .. fraction
  end
  local lead = negative and "-" or (sign == "+" or sign == " ") and sign or ""
  if type(value) ~= "number" then lead = "" end
  local missing = (math.tointeger(tonumber(width)) or 0) - utf8.len(lead .. text)
  if missing <= 0 then return lead .. text end
  if zero ~= "" and align == "" then return lead .. ("0"):rep(missing) .. text end
  if align == "=" then return lead .. fill:rep(missing) .. text end
  if align == "" then align = type(value) == "number" and ">" or "<" end
  if align == "<" then return lead .. text .. fill:rep(missing) end
  if align == ">" then return fill:rep(missing) .. lead .. text end
  return fill:rep(missing // 2) .. lead .. text .. fill:rep(missing - missing // 2)
end
