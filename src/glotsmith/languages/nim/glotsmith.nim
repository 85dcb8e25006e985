## What the drivers of all programs share.
import std/[options, sets, tables]

const TooDeep = 100

var
  mark: string
  descriptor: cint ## of stdout, a second one: the program may close its own
  isLoaded: bool

proc dup(fd: cint): cint {.importc, header: "<unistd.h>".}
proc leave(code: cint) {.importc: "_exit", header: "<unistd.h>".}
proc write(fd: cint, data: pointer, size: csize_t): int {.importc, header: "<unistd.h>".}
proc snprintf(buffer: cstring, size: csize_t, format: cstring): cint {.importc, header: "<stdio.h>", varargs.}

proc emit(said: string) =
  try: flushFile(stdout)
  except Exception: discard
  let data = "\n" & mark & " " & said & "\n"
  var done = 0
  while done < data.len:
    let written = write(descriptor, unsafeAddr data[done], csize_t(data.len - done))
    if written < 0: leave(1)
    done += written

proc text(s: string): string =
  const digits = "0123456789abcdef"
  result = "\""
  for c in s:
    case c
    of '"', '\\': result.add '\\'; result.add c
    of '\0' .. '\31', '\127': result.add "\\u00"; result.add digits[ord(c) shr 4]; result.add digits[ord(c) and 15]
    else: result.add c
  result.add '"'

proc float(x: BiggestFloat): string =
  if x != x: return "{\"f\":\"nan\"}"
  if x == Inf: return "{\"f\":\"inf\"}"
  if x == NegInf: return "{\"f\":\"-inf\"}"
  var buffer: array[40, char]
  discard snprintf(cast[cstring](addr buffer), csize_t(sizeof(buffer)), "%.17g", x)
  "{\"f\":\"" & $cast[cstring](addr buffer) & "\"}"

# Of what a generic procedure calls by a name that is no other procedure's here, the candidate can't add a variant.
proc put(b: var string, s: string) = b.add s
proc whole(x: BiggestInt): string = $x
proc natural(x: BiggestUInt): string = $x
proc other(what: string): string = "{\"x\":" & text(what) & "}"

proc show[T](b: var string, x: T, depth: int)

template sequence(b: var string, start, finish: string, items, item: untyped) =
  put(b, start)
  var first = true
  for item in items:
    if not first: put(b, ",")
    first = false
    show(b, item, depth + 1)
  put(b, finish)

template pairs(b: var string, map: untyped) =
  put(b, "{\"m\":[")
  var first = true
  for key, value in map:
    put(b, if first: "[" else: ",[")
    first = false
    show(b, key, depth + 1)
    put(b, ",")
    show(b, value, depth + 1)
    put(b, "]")
  put(b, "]}")

proc show[T](b: var string, x: T, depth: int) =
  if depth > TooDeep:
    put(b, "{\"x\":\"too deep\"}")
    return
  when T is bool: put(b, if x: "true" else: "false")
  elif T is SomeUnsignedInt: put(b, natural(BiggestUInt(x)))
  elif T is SomeInteger: put(b, whole(BiggestInt(x)))
  elif T is SomeFloat: put(b, float(BiggestFloat(x)))
  elif T is string: put(b, text(x))
  elif T is Option:
    if x.isSome: show(b, x.get, depth + 1) else: put(b, "null")
  elif T is Table or T is OrderedTable: pairs(b, x)
  elif T is TableRef or T is OrderedTableRef:
    if x.isNil: put(b, "null") else: pairs(b, x)
  elif T is HashSet or T is OrderedSet: sequence(b, "{\"s\":[", "]}", x, item)
  elif T is seq or T is array or T is openArray: sequence(b, "[", "]", x, item)
  elif T is tuple[]: put(b, "null")
  elif T is tuple:
    put(b, "{\"t\":[")
    var first = true
    for field in fields(x):
      if not first: put(b, ",")
      first = false
      show(b, field, depth + 1)
    put(b, "]}")
  else: put(b, other($T))

proc wire*[T](x: T): string = show(result, x, 0)

proc failed(message: string) {.nimcall, gcsafe.} =
  {.cast(gcsafe).}:
    if not isLoaded: emit("raised load " & text(message))
  leave(1)

proc start*(token: string) =
  mark = token
  descriptor = dup(1)
  onUnhandledException = failed
  emit("start")

proc loaded*() =
  isLoaded = true
  emit("loaded")

proc returned*(index: int, value: string) = emit("value " & $index & " " & value)

proc raised*(index: int, error: ref Exception) =
  emit("raised " & $index & " " & text($error.name & ": " & error.msg))

proc finish*() =
  emit("end")
  leave(0)

template test*(index: untyped, call: untyped) =
  try: returned(index, wire(call))
  except Exception as error: raised(index, error)
