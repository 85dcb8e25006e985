let format_duration (seconds : int) : string =
  let sign = if seconds < 0 then "-" else "" in
  let seconds = abs seconds in
  let hours, minutes, rest = (seconds / 3600, seconds / 60 mod 60, seconds mod 60) in
  if hours > 0 then Printf.sprintf "%s%d:%02d:%02d" sign hours minutes rest
  else Printf.sprintf "%s%d:%02d" sign minutes rest
