let rec gcd a b = if b = 0 then a else gcd b (a mod b)

let gcd_all (numbers : int list) : int =
  List.fold_left (fun divisor number -> gcd divisor (abs number)) 1 numbers
