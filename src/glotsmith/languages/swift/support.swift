// What all drivers share, a module of its own: the protocol, and a printer of what may be asked for.

// By their symbols: importing the C library would show its names to the candidate.
@_silgen_name("write") private func writeBytes(_ fd: Int32, _ data: UnsafeRawPointer?, _ count: Int) -> Int
@_silgen_name("dup2") private func duplicate(_ from: Int32, _ to: Int32) -> Int32
@_silgen_name("fflush") private func flush(_ file: UnsafeMutableRawPointer?) -> Int32
@_silgen_name("_exit") private func leave(_ code: Int32) -> Never  // runs no handler

private var mark = ""
private var output: Int32 = 1

private func emit(_ event: String) {
    _ = flush(nil)
    let line = Array("\n\(mark) \(event)\n".utf8)
    line.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
            let count = writeBytes(output, bytes.baseAddress! + done, bytes.count - done)
            if count > 0 {
                done += count
            } else if output != 1 {
                output = 1  // the program closed ours
            } else {
                return
            }
        }
    }
}

private func text(_ value: String) -> String {
    let digits = Array("0123456789abcdef")
    var out = "\""
    for scalar in value.unicodeScalars {
        switch scalar.value {
        case 0x22, 0x5c:
            out += "\\"
            out.unicodeScalars.append(scalar)
        case 0..<0x20, 0x7f:
            out += "\\u00"
            out.append(digits[Int(scalar.value >> 4)])
            out.append(digits[Int(scalar.value & 15)])
        default:
            out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}

// The type has been checked when the result was converted to the one asked for, so reflection meets none but these.
private func show(_ value: Any) -> String {
    switch value {
    case let x as Bool:
        return x ? "true" : "false"
    case let x as Int:
        return String(x)
    case let x as Double:
        return "{\"f\":\"\(x.isNaN ? "nan" : x.description)\"}"  // the shortest text that reads back
    case let x as String:
        return text(x)
    default:
        let mirror = Mirror(reflecting: value)
        let items = mirror.children.map { $0.value }
        switch mirror.displayStyle {
        case .optional?:
            return items.first.map(show) ?? "null"
        case .tuple?:
            return items.isEmpty ? "null" : "{\"t\":[\(join(items))]}"
        case .collection?:
            return "[\(join(items))]"
        case .set?:
            return "{\"s\":[\(join(items))]}"
        case .dictionary?:
            let pairs = items.map { pair in "[\(join(Mirror(reflecting: pair).children.map { $0.value }))]" }
            return "{\"m\":[\(pairs.joined(separator: ","))]}"
        default:
            return "{\"x\":\"object\"}"
        }
    }
}

private func join(_ items: [Any]) -> String {
    return items.map(show).joined(separator: ",")
}

public func glotsmithStart(_ token: String) {
    mark = token
    output = duplicate(1, 200)  // a second way to stdout: the program may close its own
    if output < 0 {
        output = 1
    }
    emit("start")
}

public func glotsmithLoaded() {
    emit("loaded")
}

public func glotsmithFinish() -> Never {
    emit("end")
    leave(0)
}

/// Call the entry point once and print what comes of it.
public func glotsmithCase<R>(_ number: Int, _ call: () throws -> R) {
    do {
        let result = try call()
        emit("value \(number) \(show(result))")
    } catch {
        emit("raised \(number) \(text(String(describing: error)))")
    }
}

/// A float by its bits: the compiler rounds a decimal twice.
public func glotsmithFloat(_ bits: Int) -> Double {
    return Double(bitPattern: UInt64(bitPattern: Int64(bits)))
}

// As a value a function has no argument labels, so that it does not matter which ones the candidate has chosen.

public func glotsmithCall<R>(_ f: () throws -> R) throws -> R {
    return try f()
}

public func glotsmithCall<A, R>(_ f: (A) throws -> R, _ a: A) throws -> R {
    return try f(a)
}

public func glotsmithCall<A, B, R>(_ f: (A, B) throws -> R, _ a: A, _ b: B) throws -> R {
    return try f(a, b)
}

public func glotsmithCall<A, B, C, R>(_ f: (A, B, C) throws -> R, _ a: A, _ b: B, _ c: C) throws -> R {
    return try f(a, b, c)
}

public func glotsmithCall<A, B, C, D, R>(
    _ f: (A, B, C, D) throws -> R, _ a: A, _ b: B, _ c: C, _ d: D
) throws -> R {
    return try f(a, b, c, d)
}

public func glotsmithCall<A, B, C, D, E, R>(
    _ f: (A, B, C, D, E) throws -> R, _ a: A, _ b: B, _ c: C, _ d: D, _ e: E
) throws -> R {
    return try f(a, b, c, d, e)
}

public func glotsmithCall<A, B, C, D, E, F, R>(
    _ f: (A, B, C, D, E, F) throws -> R, _ a: A, _ b: B, _ c: C, _ d: D, _ e: E, _ g: F
) throws -> R {
    return try f(a, b, c, d, e, g)
}

public func glotsmithCall<A, B, C, D, E, F, G, R>(
    _ f: (A, B, C, D, E, F, G) throws -> R, _ a: A, _ b: B, _ c: C, _ d: D, _ e: E, _ g: F, _ h: G
) throws -> R {
    return try f(a, b, c, d, e, g, h)
}

public func glotsmithCall<A, B, C, D, E, F, G, H, R>(
    _ f: (A, B, C, D, E, F, G, H) throws -> R, _ a: A, _ b: B, _ c: C, _ d: D, _ e: E, _ g: F, _ h: G, _ i: H
) throws -> R {
    return try f(a, b, c, d, e, g, h, i)
}
