# Loads candidate.rb beside it, calls the entry point once per argument list in calls.rb, prints typed results.
# The file job holds the mark and the entry point's name. Everything is captured first: the candidate may reopen any
# class, and its methods are methods of every object. As `driver.rb warm` it forks first.
require "set" # built in from Ruby 3.2 on

module Glotsmith
  FOLDER = File.dirname(File.expand_path(__FILE__))
  MAIN = TOPLEVEL_BINDING.receiver
  METHOD = Kernel.instance_method(:method)
  CALL = Method.instance_method(:call)
  SAME = Method.instance_method(:==)
  IS = Module.instance_method(:===)
  CLASS = Kernel.instance_method(:class)
  NAME = Module.instance_method(:to_s)
  LEAVE = Process.method(:exit!)
  WRITE = IO.instance_method(:write)
  FLUSH = IO.instance_method(:flush)
  INTEGER_TEXT = Integer.instance_method(:to_s)
  FLOAT_TEXT = Float.instance_method(:to_s)
  EACH = Array.instance_method(:each)
  EACH_PAIR = Hash.instance_method(:each_pair)
  EACH_MEMBER = Set.instance_method(:each)
  GSUB = String.instance_method(:gsub)
  ENCODE = String.instance_method(:encode)
  VALID = String.instance_method(:valid_encoding?)
  APPEND = String.instance_method(:<<)
  LOOK_UP = Hash.instance_method(:[])
  UTF_8 = Encoding::UTF_8
  TOO_DEEP = '{"x":"too deep"}'.freeze
  SPECIAL = { "NaN" => "nan", "Infinity" => "inf", "-Infinity" => "-inf" }.freeze
  ESCAPES = [*0..31, 127, 34, 92].to_h { |n| [n.chr(UTF_8), format("\\u%04x", n)] }.freeze

  class << self
    def quote(text)
      text = ENCODE.bind_call(text, UTF_8)
      return '{"x":"bytes"}' unless VALID.bind_call(text)

      "\"#{GSUB.bind_call(text, /[\u0000-\u001f\u007f"\\]/, ESCAPES)}\""
    rescue EncodingError
      '{"x":"bytes"}'
    end

    def join(each, value)
      text = +""
      comma = ""
      each.bind_call(value) do |*item|
        APPEND.bind_call(text, "#{comma}#{yield(*item)}")
        comma = ","
      end
      "[#{text}]"
    end

    def pair(key, value, depth)
      "[#{wire(key, depth)},#{wire(value, depth)}]"
    end

    def is(kind, value)
      IS.bind_call(kind, value)
    end

    def wire(value, depth)
      return TOO_DEEP if depth > 100
      return "null" if is(NilClass, value)
      return "true" if is(TrueClass, value)
      return "false" if is(FalseClass, value)
      return INTEGER_TEXT.bind_call(value) if is(Integer, value)
      return float(FLOAT_TEXT.bind_call(value)) if is(Float, value)
      return quote(value) if is(String, value)
      return '{"x":"symbol"}' if is(Symbol, value)

      collection(value, depth + 1)
    end

    def float(text)
      "{\"f\":\"#{LOOK_UP.bind_call(SPECIAL, text) || text}\"}"
    end

    def collection(value, depth)
      return join(EACH, value) { |item| wire(item, depth) } if is(Array, value)
      return "{\"m\":#{join(EACH_PAIR, value) { |k, v| pair(k, v, depth) }}}" if is(Hash, value)
      return "{\"s\":#{join(EACH_MEMBER, value) { |item| wire(item, depth) }}}" if is(Set, value)

      "{\"x\":#{quote(NAME.bind_call(CLASS.bind_call(value)))}}"
    end

    def describe(error)
      kind = NAME.bind_call(CLASS.bind_call(error))
      quote("#{kind}: #{error.message}")
    rescue Exception
      quote(kind)
    end

    # What the program printed itself goes first: its buffer is not flushed by LEAVE.
    def emit(text)
      begin
        FLUSH.bind_call(STDOUT)
      rescue Exception
        nil
      end
      WRITE.bind_call(@out, "\n#{@mark} #{text}\n")
    end

    def read(name)
      File.read(File.join(FOLDER, name), mode: "rb", encoding: "UTF-8")
    end

    def method_of(entry)
      METHOD.bind_call(MAIN, entry)
    rescue NameError
      nil
    end

    def compile(text)
      RubyVM::InstructionSequence.compile(text, "candidate.rb", "candidate.rb")
    rescue Exception => error
      STDERR.puts(error.message)
      LEAVE.call(1)
    end

    def start
      @out = IO.for_fd(1, autoclose: false).dup
      @out.sync = true
      @mark, entry = read("job").split("\n")
      calls = eval(read("calls.rb"), TOPLEVEL_BINDING.dup, "calls.rb")
      before = method_of(entry) # every object has a method `format` or `test`
      code = compile(read("candidate.rb"))
      emit("start")
      load(code)
      found = method_of(entry)
      if found.nil? || (before && SAME.bind_call(found, before))
        emit("absent")
        LEAVE.call(1)
      end
      emit("loaded")
      index = -1
      EACH.bind_call(calls) { |arguments| emit(answer(found, arguments, INTEGER_TEXT.bind_call(index += 1))) }
      emit("end")
      LEAVE.call(0)
    end

    def load(code)
      code.eval
    rescue Exception => error
      emit("raised load #{describe(error)}")
      LEAVE.call(1)
    end

    def answer(found, arguments, index)
      "value #{index} #{wire(CALL.bind_call(found, *arguments), 0)}"
    rescue Exception => error
      "raised #{index} #{describe(error)}"
    end
  end
end

if ARGV == ["warm"]
  ENV["GLOTSMITH_FORK"] = "1"
  fork
end
ARGV.clear # Kernel#gets reads the files it names
Glotsmith.start
