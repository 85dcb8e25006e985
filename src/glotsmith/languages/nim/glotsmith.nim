## What the drivers of all programs share.
import std/[hashes, macros, options, sets, tables, typetraits]

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

# Of what a generic procedure calls by a name that is no other procedure's here, the candidate cannot add a variant.
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
  elif T is string or T is cstring: put(b, text($x))
  elif T is char: put(b, text($x))
  elif T is Option:
    if x.isSome: show(b, x.get, depth + 1) else: put(b, "null")
  elif T is Table or T is OrderedTable or T is CountTable: pairs(b, x)
  elif T is TableRef or T is OrderedTableRef or T is CountTableRef:
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

# Arguments as the types that the candidate declares: a value is passed only where the type holds it.

type Unfit* = object of CatchableError

proc unfit(value, kind: string) = raise newException(Unfit, value & " does not fit the declared type " & kind)

proc fitting*[A, B](x: seq[A], t: typedesc[seq[B]]): seq[B]
proc fitting*[A, N, B](x: seq[A], t: typedesc[array[N, B]]): array[N, B]
proc fitting*[A, B](x: Option[A], t: typedesc[Option[B]]): Option[B]
proc fitting*[A, B](x: HashSet[A], t: typedesc[HashSet[B]]): HashSet[B]
proc fitting*[A, B](x: HashSet[A], t: typedesc[OrderedSet[B]]): OrderedSet[B]
proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[Table[L, W]]): Table[L, W]
proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[OrderedTable[L, W]]): OrderedTable[L, W]
proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[TableRef[L, W]]): TableRef[L, W]
proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[OrderedTableRef[L, W]]): OrderedTableRef[L, W]

proc fill*[S, T](target: var T, x: S)

template member(target, x: untyped, i: int) =
  when tupleLen(typeof(target)) > i: fill(target[i], x[i])

proc fitting*[S, T](x: S, t: typedesc[T]): T =
  when S is bool or T is bool:
    when S is T: x else: {.error: "no conversion".}
  elif S is int and T is SomeUnsignedInt:
    if x < 0 or uint64(x) > uint64(high(T)): unfit($x, $T)
    T(x)
  elif S is int and T is SomeInteger:
    if BiggestInt(x) < BiggestInt(low(T)) or BiggestInt(x) > BiggestInt(high(T)): unfit($x, $T)
    T(x)
  elif S is int and T is SomeFloat:
    let y = T(x)
    if BiggestFloat(y) >= 9223372036854775808.0 or int(y) != x: unfit($x, $T)
    y
  elif S is float64 and T is SomeFloat: # a fraction takes the nearest value; a whole number stays what it is
    let y = T(x)
    let near = abs(x) < 4503599627370496.0 and x != float64(int(x)) and abs(y) >= 1.17549435e-38
    if x == x and BiggestFloat(y) != x and not near: unfit($x, $T)
    y
  elif S is string and T is char:
    if x.len != 1: unfit('"' & x & '"', $T)
    x[0]
  elif S is string and T is cstring: cstring(x)
  elif S is T: x
  elif S is tuple and T is tuple:
    when tupleLen(S) != tupleLen(T) or tupleLen(T) > 8: {.error: "no conversion".}
    member(result, x, 0)
    member(result, x, 1)
    member(result, x, 2)
    member(result, x, 3)
    member(result, x, 4)
    member(result, x, 5)
    member(result, x, 6)
    member(result, x, 7)
  else: {.error: "no conversion".}

proc fitting*[A, B](x: seq[A], t: typedesc[seq[B]]): seq[B] =
  for item in x: result.add fitting(item, B)

proc fitting*[A, N, B](x: seq[A], t: typedesc[array[N, B]]): array[N, B] =
  if x.len != result.len: unfit("a list of length " & $x.len, $t)
  var i = 0
  for slot in mitems(result):
    slot = fitting(x[i], B)
    inc i

proc fitting*[A, B](x: Option[A], t: typedesc[Option[B]]): Option[B] =
  if x.isSome: some(fitting(x.get, B)) else: none(B)

template addItems(all, source, B: untyped) =
  for item in source: all.incl fitting(item, B)

template addEntries(all, source, L, W: untyped) =
  for key, value in source: all[fitting(key, L)] = fitting(value, W)

proc fitting*[A, B](x: HashSet[A], t: typedesc[HashSet[B]]): HashSet[B] = addItems(result, x, B)

proc fitting*[A, B](x: HashSet[A], t: typedesc[OrderedSet[B]]): OrderedSet[B] = addItems(result, x, B)

proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[Table[L, W]]): Table[L, W] = addEntries(result, x, L, W)

proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[OrderedTable[L, W]]): OrderedTable[L, W] =
  addEntries(result, x, L, W)

proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[TableRef[L, W]]): TableRef[L, W] =
  result = newTable[L, W]()
  addEntries(result, x, L, W)

proc fitting*[K, V, L, W](x: Table[K, V], t: typedesc[OrderedTableRef[L, W]]): OrderedTableRef[L, W] =
  result = newOrderedTable[L, W]()
  addEntries(result, x, L, W)

proc fill*[S, T](target: var T, x: S) = target = fitting(x, T)

proc parameters(entry: NimNode): seq[NimNode] {.compileTime.} =
  ## Return the types of an entry point's parameters; none of what has no type.
  let kind = getTypeImpl(entry)
  if kind.kind != nnkProcTy: return
  for definition in kind[0][1 .. ^1]:
    for _ in 0 ..< definition.len - 2:
      var t = definition[^2]
      if t.kind == nnkVarTy: t = t[0]
      if t.kind == nnkBracketExpr and t[0].kind in {nnkSym, nnkIdent} and ($t[0] == "openArray" or $t[0] == "varargs"):
        t = newTree(nnkBracketExpr, bindSym"seq", t[1])
      result.add t

proc conversion(entry: NimNode, types: seq[NimNode], arguments: NimNode): NimNode {.compileTime.} =
  ## Return the call of an entry point with arguments converted to the types of its parameters.
  result = newStmtList()
  var call = newCall(entry)
  for i, t in types:
    let variable = genSym(nskVar, "argument")
    result.add newTree(nnkVarSection, newIdentDefs(variable, t))
    result.add newCall(bindSym"fill", variable, arguments[i])
    call.add variable
  result.add call
  result = newBlockStmt(result)

macro apply*(entry: typed, arguments: varargs[untyped]): untyped =
  ## Call an overload of this number of parameters, with arguments converted to their types.
  ## The arguments are untyped, as an instance of a generic type that is passed as typed matches no generic parameter.
  var all: seq[NimNode]
  if entry.kind in {nnkClosedSymChoice, nnkOpenSymChoice}:
    for each in entry: all.add each
  else: all.add entry
  result = newCall(entry)
  for argument in arguments: result.add argument
  for i in countdown(all.high, 0):
    let types = parameters(all[i])
    if types.len == arguments.len and types.len > 0:
      let converting = conversion(all[i], types, arguments)
      result = newTree(nnkWhenStmt,
        newTree(nnkElifBranch, newCall(bindSym"compiles", converting), copyNimTree(converting)),
        newTree(nnkElse, result))

macro converted*(call: untyped): untyped =
  result = newCall(bindSym"apply")
  for part in call: result.add part

template test*(index: untyped, call: untyped) =
  try:
    when compiles(call): returned(index, wire(call))
    elif compiles(converted(call)): returned(index, wire(converted(call)))
    else: returned(index, wire(call))
  except Exception as error: raised(index, error)
