# Loads candidate.R from the same folder, calls the entry point once per argument list in calls.R, and prints typed
# results. The file job contains the mark and the name of the entry point. As `driver.R warm`, it forks first
# (sandbox/fork_server). The candidate runs in the global environment, like a script. This driver defines nothing there.
local({
  arguments <- commandArgs(FALSE)
  folder <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)[1]))

  # R spends 80 ms on attaching its default packages. Here each exported name is a promise that loads its package.
  for (package in c("methods", "utils", "grDevices", "stats")) {
    scope <- attach(NULL, name = paste0("package:", package))
    for (name in readRDS(file.path(.Library, package, "Meta", "nsInfo.rds"))$exports) {
      do.call(delayedAssign, list(name, call("getExportedValue", package, name), baseenv(), scope))
    }
  }

  options(expressions = 500000)  # the maximum; the stack is full before

  quit_now <- function(status) quit("no", status, FALSE)

  # The candidate may have diverted the output by sink().
  emit <- function(...) {
    while (sink.number() > 0) sink()
    cat("\n", paste(mark, ...), "\n", sep = "")
    flush(stdout())
  }

  # Return a text as JSON in ASCII, so that the locale that the candidate sets does not matter.
  quote_text <- function(text) {
    points <- utf8ToInt(enc2utf8(text))
    if (anyNA(points)) return('{"x":"bytes"}')
    wide <- points > 65535
    high <- ifelse(wide, 55296 + (points - 65536) %/% 1024, points)
    units <- as.vector(rbind(high, ifelse(wide, 56320 + (points - 65536) %% 1024, NA)))
    units <- units[!is.na(units)]
    plain <- units > 31 & units < 127 & units != 34 & units != 92
    parts <- sprintf("\\u%04x", as.integer(units))
    parts[plain] <- strsplit(rawToChar(as.raw(units[plain])), "")[[1]]
    paste0('"', paste(parts, collapse = ""), '"')
  }

  double <- function(x) {
    text <- ifelse(is.nan(x), "nan", ifelse(is.infinite(x), ifelse(x > 0, "inf", "-inf"), sprintf("%.17g", x)))
    paste0('{"f":"', text, '"}')
  }

  scalars <- function(x) {
    parts <- switch(typeof(x),
      logical = ifelse(x, "true", "false"),
      integer = sprintf("%d", x),
      double = double(x),
      character = vapply(x, function(s) if (is.na(s)) "" else quote_text(s), "", USE.NAMES = FALSE)
    )
    parts[is.na(x) & !is.nan(x)] <- '{"x":"NA"}'
    parts
  }

  unknown <- function(what) paste0('{"x":', quote_text(what[1]), "}")

  # A vector is a wire list, or a scalar if it has one element. A list is a wire tuple. A value with names is a map.
  encode <- function(x, depth = 0) {
    if (is.null(x)) return("null")
    if (depth > 100) return(unknown("too deep"))
    vector <- typeof(x) %in% c("logical", "integer", "double", "character")
    if (is.object(x) || !is.null(dim(x)) || !(vector || typeof(x) == "list")) return(unknown(class(x)))
    if (length(x) == 0) return("[]")
    names <- names(x)
    x <- unclass(x)
    attributes(x) <- NULL
    parts <- if (vector) scalars(x) else vapply(x, encode, "", depth + 1)
    if (!is.null(names)) {
      pairs <- paste0("[", scalars(names), ",", parts, "]", collapse = ",")
      return(paste0('{"m":[', pairs, "]}"))
    }
    items <- paste0(parts, collapse = ",")
    if (!vector) return(paste0('{"t":[', items, "]}"))
    if (length(x) == 1) parts else paste0("[", items, "]")
  }

  # stop() ends a script for any condition, also for one that is not of class error.
  stopped <- function() any(vapply(seq_len(sys.nframe()), function(i) identical(sys.function(i), stop), TRUE))
  mild <- c("error", "warning", "message")
  attempt <- function(action) tryCatch(
    withCallingHandlers(action(), condition = function(c) {
      if (!inherits(c, mild) && stopped()) stop(conditionMessage(c))
    }),
    error = function(e) structure(list(conditionMessage(e)), class = "error")
  )
  message <- function(error) {
    text <- tryCatch(quote_text(paste(unclass(error)[[1]], collapse = " ")), error = function(e) '"an error"')
    if (startsWith(text, '"')) text else '"an error"'
  }
  read <- function(name) parse(file.path(folder, name), keep.source = FALSE, encoding = "UTF-8")

  if (identical(commandArgs(TRUE), "warm")) {
    for (package in c("methods", "utils", "grDevices", "stats")) loadNamespace(package)
    Sys.setenv(GLOTSMITH_FORK = 1)
    parallel:::mcfork(TRUE)
    quit_now <- parallel:::mcexit  # runs no finalizers, and looks for no temporary folder
  }
  job <- readLines(file.path(folder, "job"), encoding = "UTF-8")
  mark <- job[1]
  entry <- job[2]
  calls <- eval(read("calls.R")[[1]], new.env(parent = baseenv()))
  program <- tryCatch(read("candidate.R"), error = function(e) {
    cat(conditionMessage(e), "\n", file = stderr())
    quit_now(1)
  })
  emit("start")
  loaded <- attempt(function() {
    for (expression in program) eval(expression, globalenv())
    NULL
  })
  if (inherits(loaded, "error")) {
    emit("raised load", message(loaded))
    quit_now(1)
  }
  f <- get0(entry, globalenv(), mode = "function", inherits = FALSE)
  if (is.null(f)) {
    emit("absent")
    quit_now(1)
  }
  emit("loaded")
  for (i in seq_along(calls)) {
    case <- sprintf("%d", i - 1L)
    text <- attempt(function() {
      value <- calls[[i]](f)
      suppressWarnings(encode(value))
    })
    if (inherits(text, "error")) emit("raised", case, message(text)) else emit("value", case, text)
  }
  emit("end")
  quit_now(0)
}, new.env(parent = baseenv()))
