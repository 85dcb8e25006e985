let format_duration (seconds : int) : string =
  let sign = if seconds < 0 then "-" else "" in
  let seconds = abs seconds in
  let hours, minutes, rest = (seconds / 3600, seconds / 60 mod 60, seconds mod 60) in
  let minutes = (hours * 60) + minutes in
  Printf.sprintf "%s%d:%02d" sign minutes rest
