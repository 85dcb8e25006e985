# Loads candidate.exs from a folder, calls the entry point once per argument list in calls.exs, prints typed results.
# The file job holds the mark and the entry point's name. The entry point is a public function of a module that the
# candidate defines, or a top-level variable that holds a function. The candidate may redefine any module of Elixir, so
# once it is loaded nothing is used here but the Erlang system's own, which are protected.
defmodule Glotsmith.Driver do
  @patience 2000

  def main(folder) do
    [mark, name | _] = folder |> read("job") |> :binary.split("\n", [:global])
    entry = :erlang.binary_to_atom(name)
    calls = folder |> read("calls.exs") |> Code.string_to_quoted!() |> value()
    Code.compiler_options(docs: false, debug_info: false, ignore_module_conflict: true)
    form = parse(read(folder, "candidate.exs"))
    out = open()
    emit(out, mark, "start")

    case apart(fn -> load(form, entry) end) do
      {:found, found} ->
        emit(out, mark, "loaded")
        run(calls, found, out, mark, 0)

      :absent ->
        emit(out, mark, "absent")
        leave(1)

      {:raised, text} ->
        emit(out, mark, ["raised load ", text])
        leave(1)
    end
  end

  # Nothing is flushed, and no process told.
  defp leave(status), do: :erlang.halt(status, flush: false)

  defp read(folder, name) do
    {:ok, text} = :file.read_file(folder <> "/" <> name)
    text
  end

  defp run([], _, out, mark, _) do
    emit(out, mark, "end")
    leave(0)
  end

  defp run([arguments | calls], found, out, mark, index) do
    {event, text} = apart(fn -> {:value, encode(call(found, arguments), 0)} end)
    emit(out, mark, [:erlang.atom_to_binary(event), " ", :erlang.integer_to_binary(index), " ", text])
    run(calls, found, out, mark, index + 1)
  end

  defp call({module, function}, arguments), do: :erlang.apply(module, function, arguments)
  defp call(function, arguments), do: :erlang.apply(function, arguments)

  # Run in a process of its own, which links may kill; it stays, so that what it started lives on.
  defp apart(act) do
    self = self()
    tag = make_ref()

    {_, monitor} =
      :erlang.spawn_monitor(fn ->
        answer =
          try do
            act.()
          catch
            kind, error -> {:raised, message(kind, error)}
          end

        send(self, {tag, answer})
        :erlang.hibernate(:timer, :sleep, [:infinity])
      end)

    receive do
      {^tag, answer} ->
        :erlang.demonitor(monitor, [:flush])
        answer

      {:DOWN, ^monitor, _, _, reason} ->
        {:raised, message(:exit, reason)}
    end
  end

  # ------------------------------------------------------------------------------------------------ output

  # A way to stdout of the driver's own: the program may close its, or kill the process that writes to it. What the
  # program printed may still be in a port's queue; a protocol line waits until that is empty.
  defp open do
    named = fn port -> :erlang.port_info(port, :name) == {:name, '0/1'} end
    ports = :lists.filter(named, :erlang.ports())

    case :file.open('/proc/self/fd/1', [:raw, :append, :binary]) do
      {:ok, file} -> {ports, fn line -> :ok = :file.write(file, line) end}
      {:error, _} -> own_port(ports)
    end
  end

  defp own_port(ports) do
    port = :erlang.open_port({:fd, 1, 1}, [:out, :binary])

    write = fn line ->
      :erlang.port_command(port, line)
      drain(port, @patience)
    end

    {ports, write}
  end

  defp emit({ports, write}, mark, event) do
    :lists.foreach(fn port -> drain(port, @patience) end, ports)
    write.(["\n", mark, " ", event, "\n"])
  end

  defp drain(port, tries) do
    case :erlang.port_info(port, :queue_size) do
      {:queue_size, n} when n > 0 and tries > 0 ->
        :timer.sleep(1)
        drain(port, tries - 1)

      _ ->
        :ok
    end
  end

  # --------------------------------------------------------------------------------------------- candidate

  defp parse(text) do
    case Code.string_to_quoted(text, file: "candidate.exs") do
      {:ok, form} ->
        form

      {:error, {where, what, token}} ->
        complain(["candidate.exs: ", inspect(where[:line]), ": ", inspect(what), " ", inspect(token)])
        leave(1)
    end
  end

  defp complain(text), do: :file.write_file('/proc/self/fd/2', [text, "\n"], [:raw, :append])

  # The compiler runs a module's body as it compiles it, so a program that does not compile is told from one that raises
  # by its error: it lacks an entry point.
  defp load(form, entry) do
    {_, bindings} = Code.eval_quoted(form, [], file: "candidate.exs")
    find(entry, bindings)
  rescue
    error in [CompileError, SyntaxError, TokenMissingError] ->
      complain(Exception.message(error))
      :absent

    error in ArgumentError ->
      case Exception.message(error) do
        # def outside a module
        "cannot invoke " <> _ = text ->
          complain(text)
          :absent

        _ ->
          reraise(error, __STACKTRACE__)
      end
  end

  defp find(entry, bindings) do
    exports = fn module -> :lists.keymember(entry, 1, :erlang.get_module_info(module, :exports)) end
    modules = for {module, []} <- :code.all_loaded(), exports.(module), do: module
    variable = :proplists.get_value(entry, bindings)

    case {:lists.member(HumanEval, modules), modules} do
      {true, _} -> {:found, {HumanEval, entry}}
      {_, [module]} -> {:found, {module, entry}}
      {_, []} when is_function(variable) -> {:found, variable}
      _ -> :absent
    end
  end

  # -------------------------------------------------------------------------------------------------- values

  # An argument's value, from its syntax tree; ~f(...) is a float.
  defp value({:-, _, [number]}), do: -value(number)
  defp value({:{}, _, items}), do: :erlang.list_to_tuple(value(items))
  defp value({:%{}, _, pairs}), do: :maps.from_list(value(pairs))
  defp value({:sigil_f, _, [{:<<>>, _, [text]}, _]}), do: text |> Float.parse() |> elem(0)
  defp value({{:., _, [{_, _, [:MapSet]}, :new]}, _, [items]}), do: MapSet.new(value(items))
  defp value({a, b}), do: {value(a), value(b)}
  defp value(items) when is_list(items), do: :lists.map(&value/1, items)
  defp value(scalar), do: scalar

  defp encode(_, depth) when depth > 100, do: other("too deep")
  defp encode(nil, _), do: "null"
  defp encode(true, _), do: "true"
  defp encode(false, _), do: "false"
  defp encode(v, _) when is_integer(v), do: :erlang.integer_to_binary(v)
  defp encode(v, _) when is_float(v), do: ["{\"f\":\"", :erlang.float_to_binary(v, [:short]), "\"}"]
  defp encode(v, _) when is_binary(v), do: text(v)
  defp encode(v, depth) when is_list(v), do: list(v, depth)
  defp encode(v, depth) when is_tuple(v), do: ["{\"t\":", list(:erlang.tuple_to_list(v), depth), "}"]

  defp encode(%{__struct__: MapSet, map: items}, depth) when is_map(items),
    do: ["{\"s\":", list(:maps.keys(items), depth), "}"]

  defp encode(%{__struct__: _}, _), do: other("struct")

  defp encode(v, depth) when is_map(v) do
    pair = fn {k, x} -> ["[", encode(k, depth + 1), ",", encode(x, depth + 1), "]"] end
    ["{\"m\":[", join(:lists.map(pair, :maps.to_list(v))), "]}"]
  end

  defp encode(v, _) when is_atom(v), do: other("atom")
  defp encode(v, _) when is_function(v), do: other("function")
  defp encode(v, _) when is_bitstring(v), do: other("bits")
  defp encode(_, _), do: other("process, port or reference")

  defp other(what), do: ["{\"x\":\"", what, "\"}"]

  defp list(items, depth) do
    case :erlang.is_list(items) and proper(items) do
      true -> ["[", join(:lists.map(fn x -> encode(x, depth + 1) end, items)), "]"]
      false -> other("improper list")
    end
  end

  defp proper([_ | rest]), do: proper(rest)
  defp proper(rest), do: rest == []

  defp join(items), do: :lists.join(",", items)

  defp text(binary) do
    case :unicode.characters_to_binary(binary) do
      ^binary -> ["\"", for(<<c <- binary>>, do: escape(c)), "\""]
      _ -> other("binary that is no text")
    end
  end

  defp escape(c) when c < 32 or c == 127, do: ["\\u00", :io_lib.format("~2.16.0b", [c])]
  defp escape(c) when c == ?" or c == ?\\, do: [?\\, c]
  defp escape(c), do: c

  defp message(kind, error) do
    told =
      try do
        text(Exception.format_banner(kind, error))
      catch
        _, _ -> "\"an error that has no text\""
      end

    # else it is no text
    case told do
      ["\"" | _] -> told
      _ -> "\"an error that has no text\""
    end
  end
end
