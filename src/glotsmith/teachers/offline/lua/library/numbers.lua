-- Python's arithmetic where Lua's differs.

local function power(base, exponent)
  if math.type(base) ~= "integer" or math.type(exponent) ~= "integer" or exponent < 0 then
    return base ^ exponent
  end
  local result = 1
  while exponent > 0 do
    if exponent % 2 == 1 then result = result * base end
    base = base * base
    exponent = exponent // 2
  end
  return result
end

local function divide(a, b)
  if b == 0 then error("ZeroDivisionError: division by zero") end
  return a / b
end

local function inverse_modulo(a, modulus)
  local old, new, x, next_x = a % modulus, modulus, 1, 0
  while new ~= 0 do
    local quotient = old // new
    old, new = new, old - quotient * new
    x, next_x = next_x, x - quotient * next_x
  end
  if math.abs(old) ~= 1 then error("ValueError: base is not invertible for the given modulus") end
  return x * old % modulus
end

local function bit_length(n)
  local bits = 0
  n = math.abs(n)
  while n > 0 do
    n, bits = n // 2, bits + 1
  end
  return bits
end

local function power_modulo(base, exponent, modulus)
  if exponent < 0 then base, exponent = inverse_modulo(base, modulus), -exponent end
  local result = 1 % modulus
  base = base % modulus
  while exponent > 0 do
    if exponent % 2 == 1 then result = result * base % modulus end
    base = base * base % modulus
    exponent = exponent // 2
  end
  return result
end

local function float_power(base, exponent)
  return (base + 0.0) ^ exponent
end

local function shift_right(n, count)
  if count > 62 then return n < 0 and -1 or 0 end
  return n // (1 << count)
end

local function truncate(x)
  if math.type(x) == "integer" then return x end
  return x >= 0 and math.floor(x) or math.ceil(x)
end

local function round(x, digits)
  if math.type(x) == "integer" and (digits == nil or digits >= 0) then return x end
  if digits == nil then
    local whole = math.floor(x)
    local rest = x - whole
    if rest > 0.5 or (rest == 0.5 and whole % 2 == 1) then whole = whole + 1 end
    return whole
  end
  if digits < 0 then
    local scale = 10.0 ^ -digits
    local scaled = x / scale
    local whole = math.floor(scaled)
    local rest = scaled - whole
    if rest > 0.5 or (rest == 0.5 and whole % 2 == 1) then whole = whole + 1 end
    local result = whole * scale
    return math.type(x) == "integer" and math.floor(result) or result
  end
  return tonumber(string.format("%." .. digits .. "f", x))
end

local function parse_int(text, base)
  local digits = text:match("^%s*(.-)%s*$"):lower():gsub("_", "")
  local sign, rest = digits:match("^([+-]?)(%w+)$")
  if rest and (base == 16 or base == 2 or base == 8) then
    rest = rest:gsub("^0[xbo]", "")
  end
  local value = rest and tonumber(rest, base or 10)
  if not value then error("ValueError: invalid literal for int(): " .. text) end
  return sign == "-" and -value or value
end

local function int(value)
  if type(value) == "string" then return parse_int(value) end
  if type(value) == "boolean" then return value and 1 or 0 end
  return truncate(value)
end

local function parse_float(value)
  if type(value) == "boolean" then return value and 1.0 or 0.0 end
  if type(value) == "number" then return value + 0.0 end
  local text = value:match("^%s*(.-)%s*$"):lower()
  local special = {inf = math.huge, infinity = math.huge, ["-inf"] = -math.huge, nan = 0 / 0}
  local number = special[text] or (not text:find("x") and tonumber(text))
  if not number then error("ValueError: could not convert string to float: " .. value) end
  return number + 0.0
end

local function to_base(n, base, prefix)
  local digits = {}
  local rest = math.abs(n)
  repeat
    local digit = rest % base
    table.insert(digits, 1, ("0123456789abcdef"):sub(digit + 1, digit + 1))
    rest = rest // base
  until rest == 0
  return (n < 0 and "-" or "") .. prefix .. table.concat(digits)
end

local function fabs(x)
  return math.abs(x) + 0.0
end

local function log2(x)
  return math.log(x, 2)
end

local function log10(x)
  return math.log(x, 10)
end

local function hypot(...)
  local total = 0.0
  for _, x in ipairs({...}) do
    total = total + x * x
  end
  return math.sqrt(total)
end

local function copysign(x, y)
  local size = math.abs(x) + 0.0
  return (y < 0 or 1 / y < 0) and -size or size
end

local function gcd(...)
  local result = 0
  for _, n in ipairs({...}) do
    local a, b = result, math.abs(n)
    while b ~= 0 do a, b = b, a % b end
    result = a
  end
  return result
end

local function lcm(...)
  local result = 1
  for _, n in ipairs({...}) do
    if n == 0 then return 0 end
    result = result // gcd(result, n) * math.abs(n)
  end
  return result
end

local function factorial(n)
  if n < 0 then error("ValueError: factorial() not defined for negative values") end
  local result = 1
  for i = 2, n do
    result = result * i
  end
  return result
end

local function binomial(n, k)
  if k > n then return 0 end
  local result = 1
  for i = 1, math.min(k, n - k) do
    result = result * (n - i + 1) // i
  end
  return result
end

local function permutations_of(n, k)
  local result = 1
  for i = n - (k or n) + 1, n do
    result = result * i
  end
  return result
end

local function isqrt(n)
  if n < 0 then error("ValueError: isqrt() argument must be nonnegative") end
  local root = math.floor(math.sqrt(n))
  while root * root > n do root = root - 1 end
  while (root + 1) * (root + 1) <= n do root = root + 1 end
  return root
end

local function is_nan(x)
  return x ~= x
end

local function is_infinite(x)
  return x == math.huge or x == -math.huge
end

local function is_finite(x)
  return x == x and not is_infinite(x)
end

local function is_close(a, b)
  return a == b or math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
end

local function product_of(items)
  local result = 1
  for _, item in ipairs(items) do
    result = result * item
  end
  return result
end

local function sum(items, start)
  local total = start or 0
  for _, item in ipairs(items) do
    total = total + item
  end
  return total
end

local function sum_any(items, start)
  local total = start
  for _, item in ipairs(items) do
    total = add(total, item)
  end
  return total
end
