; Loads candidate.rkt from the same folder, calls the entry point once per argument list in calls.rkt, and prints typed
; results. The file job contains the mark and the name of the entry point. As `driver.rkt warm`, it forks first
; (sandbox/fork_server). Uses `#%kernel`, because the driver is expanded for each program: `racket/base` needs 60 ms more.
(module driver '#%kernel
  (#%require '#%paramz '#%foreign racket/private/qq-and-or racket/private/cond racket/private/define-et-al)

  (define-values (out) (current-output-port))
  (define-values (exit-now) (exit-handler))
  (define-values (folder) (let-values ([(base name dir?) (split-path (find-system-path 'run-file))]) base))
  (define-values (mark) #f)
  (define-values (entry) #f)

  (define-values (emit)
    (lambda parts
      (let ([line (open-output-string)])
        (write-string "\n" line)
        (write-string mark line)
        (for-each (lambda (part) (write-string " " line) (write-string part line)) parts)
        (write-string "\n" line)
        (write-string (get-output-string line) out)
        (flush-output out))))

  (define-values (finish)
    (lambda (status)
      (flush-output out)
      (exit-now status)))

  (define-values (with-parameters)
    (lambda (act . settings)
      (with-continuation-mark parameterization-key
        (apply extend-parameterization (continuation-mark-set-first #f parameterization-key) settings)
        (act))))

  ; The escapes of JSON. A line of the protocol contains no line break.
  (define-values (write-text)
    (lambda (text to)
      (write-string "\"" to)
      (for-each
       (lambda (c)
         (let ([n (char->integer c)])
           (cond
             [(or (< n 32) (= n 34) (= n 92) (= n 127))
              (write-string "\\u00" to)
              (if (< n 16) (write-string "0" to) (void))
              (write-string (number->string n 16) to)]
             [else (write-char c to)])))
       (string->list text))
      (write-string "\"" to)))

  (define-values (write-float)
    (lambda (x to)
      (write-string "{\"f\":\"" to)
      (write-string
       (cond
         [(not (= x x)) "nan"]
         [(= x +inf.0) "inf"]
         [(= x -inf.0) "-inf"]
         [else (number->string x)])
       to)
      (write-string "\"}" to)))

  (define-values (write-all)
    (lambda (items write-one to)
      (write-string "[" to)
      (let loop ([items items] [first? #t])
        (if (null? items)
            (void)
            (begin
              (if first? (void) (write-string "," to))
              (write-one (car items))
              (loop (cdr items) #f))))
      (write-string "]" to)))

  (define-values (write-unknown)
    (lambda (what to)
      (write-string "{\"x\":" to)
      (write-text what to)
      (write-string "}" to)))

  ; racket/set recognises a set. If the program has not loaded it, there is no set, and racket/set is not loaded.
  (define-values (set-items)
    (lambda (v)
      (if (module-declared? 'racket/set #f)
          (if ((dynamic-require 'racket/set 'set?) v) ((dynamic-require 'racket/set 'set->list) v) #f)
          #f)))

  (define-values (kind)
    (lambda (v)
      (cond
        [(symbol? v) "symbol"]
        [(char? v) "char"]
        [(void? v) "void"]
        [(vector? v) "vector"]
        [(pair? v) "pair"]
        [(procedure? v) "procedure"]
        [(number? v) "complex number"]
        [(bytes? v) "bytes"]
        [(keyword? v) "keyword"]
        [else "other"])))

  (define-values (encode)
    (lambda (v depth to)
      (let ([inner (lambda (x) (encode x (+ depth 1) to))])
        (cond
          [(> depth 100) (write-unknown "too deep" to)]
          [(boolean? v) (write-string (if v "true" "false") to)]
          [(exact-integer? v) (write-string (number->string v) to)]
          [(real? v) (write-float (real->double-flonum v) to)]
          [(string? v) (write-text v to)]
          [(list? v) (write-all v inner to)]
          [(hash? v)
           (write-string "{\"m\":" to)
           (write-all (hash-map v cons)
                      (lambda (pair)
                        (write-string "[" to)
                        (inner (car pair))
                        (write-string "," to)
                        (inner (cdr pair))
                        (write-string "]" to))
                      to)
           (write-string "}" to)]
          [(set-items v)
           => (lambda (items)
                (write-string "{\"s\":" to)
                (write-all items inner to)
                (write-string "}" to))]
          [else (write-unknown (kind v) to)]))))

  (define-values (message)
    (lambda (error)
      (let ([to (open-output-string)])
        (write-text (if (exn? error) (exn-message error) (kind error)) to)
        (get-output-string to))))

  ; Return what ``act`` returns. If it raises an exception or another value, return what ``handle`` returns for it.
  (define-values (attempt)
    (lambda (act handle)
      ((call-with-escape-continuation
        (lambda (escape)
          (with-continuation-mark exception-handler-key (lambda (error) (escape (lambda () (handle error))))
            (let ([result (act)])
              (lambda () result))))))))

  ; An argument is a literal, or (list …), (hash …) or (set …) of arguments.
  (define-values (build)
    (lambda (datum)
      (if (pair? datum)
          (let ([items (map build (cdr datum))])
            (cond
              [(eq? (car datum) 'list) items]
              [(eq? (car datum) 'hash) (apply hash items)]
              [else (apply (dynamic-require 'racket/set 'set) items)]))
          datum)))

  (define-values (read-calls)
    (lambda ()
      (let ([port (open-input-file (build-path folder "calls.rkt"))])
        (let loop ([calls null])
          (let ([call (read port)])
            (if (eof-object? call) (reverse calls) (loop (cons call calls))))))))

  ; A program without its own #lang or module is a program in #lang racket.
  (define-values (read-module)
    (lambda (file)
      (let ([port (open-input-file (build-path folder file))])
        (port-count-lines! port)
        (let ([form (read-syntax 'candidate port)])
          (if (and (syntax? form) (pair? (syntax-e form)) (eq? (syntax-e (car (syntax-e form))) 'module))
              form
              (let loop ([forms (list form)])
                (let ([form (read-syntax 'candidate port)])
                  (if (eof-object? form)
                      (datum->syntax #f (list* 'module 'candidate 'racket (reverse forms)))
                      (loop (cons form forms))))))))))

  (define-values (declare)
    (lambda (form name)
      (with-parameters
       (lambda () (eval (compile (namespace-syntax-introduce (form)))))
       read-accept-reader #t
       read-accept-lang #t
       current-module-declare-name (make-resolved-module-path name))))

  ; The entry point is the name that the program provides or, otherwise, defines. An imported name does not count.
  (define-values (find)
    (lambda ()
      (current-namespace namespace)
      (dynamic-require
       ''candidate
       entry
       (lambda ()
         (with-parameters
          (lambda ()
            (let* ([name (namespace-symbol->identifier entry)] [binding (identifier-binding name)])
              (if (and (pair? binding)
                       (eq? (resolved-module-path-name (module-path-index-resolve (car binding))) 'candidate))
                  (eval name)
                  absent)))
          current-namespace (module->namespace ''candidate))))))

  (define-values (absent) (string->uninterned-symbol "absent"))

  (define-values (call)
    (lambda (f arguments)
      (call-with-values
       (lambda () (apply f arguments))
       (lambda results
         (let ([to (open-output-string)])
           (current-namespace namespace)
           (if (and (pair? results) (null? (cdr results)))
               (encode (car results) 0 to)
               (write-unknown "not one value" to))
           (get-output-string to))))))

  (define-values (run)
    (lambda (f calls index)
      (if (null? calls)
          (emit "end")
          (begin
            (attempt
             (lambda () (emit "value" (number->string index) (call f (map build (car calls)))))
             (lambda (error) (emit "raised" (number->string index) (message error))))
            (run f (cdr calls) (+ index 1))))))

  (define-values (fork)
    (lambda ()
      (environment-variables-set! (current-environment-variables) #"GLOTSMITH_FORK" #"1")
      ((ffi-call (ffi-obj #"fork" (ffi-lib #f)) null _int32))))

  ; Expand and run what programs use, so that it is loaded before the fork (sandbox/fork_server). Most of the
  ; time of a module goes into the macros of its language, which are instantiated again for each module. So the fork
  ; happens during the expansion of a module in racket. Its body is a macro, which expands to the body of the program.
  (define-values (preload)
    (lambda (usual)
      (declare (lambda () (read-module "warm.rkt")) 'warm)
      (dynamic-require ''warm #f)
      (call (dynamic-require ''warm 'f) '(3))
      (module->namespace ''warm)
      (eval '(module glotsmith-hole '#%kernel
               (#%require (for-syntax '#%kernel))
               (define-syntaxes (glotsmith-hole) (lambda (stx) ((current-read-interaction) stx #f)))
               (#%provide glotsmith-hole)))
      (collect-garbage)
      ((call-with-escape-continuation
        (lambda (escape)
          (current-read-interaction ; macros see the same parameter, and nothing here reads it
           (lambda (stx port)
             (current-read-interaction usual)
             (fork)
             (let ([form (read-module "candidate.rkt")])
               (if (eq? (language form) 'racket)
                   (relocate (datum->syntax #f (list* 'begin (body form))) (car (cdr (syntax->list stx))))
                   (escape (lambda () (declare (lambda () form) 'candidate)))))))
          (declare
           (lambda () (datum->syntax #f '(module candidate racket (require 'glotsmith-hole) (glotsmith-hole here))))
           'candidate)
          void)))))

  (define-values (language) (lambda (form) (syntax->datum (car (cdr (cdr (syntax->list form)))))))

  (define-values (body)
    (lambda (form)
      (let ([forms (cdr (cdr (cdr (syntax->list form))))])
        (if (if (pair? forms) (if (null? (cdr forms)) (pair? (syntax-e (car forms))) #f) #f)
            (if (eq? (syntax-e (car (syntax-e (car forms)))) '#%module-begin)
                (cdr (syntax->list (car forms)))
                forms)
            forms))))

  ; Return syntax as if it had been read at the position of ``origin``.
  (define-values (relocate)
    (lambda (form origin)
      (cond
        [(syntax? form) (datum->syntax origin (relocate (syntax-e form) origin) form form)]
        [(pair? form) (cons (relocate (car form) origin) (relocate (cdr form) origin))]
        [else form])))

  (define-values (namespace) (current-namespace))
  (namespace-require ''#%kernel)
  (if (equal? (current-command-line-arguments) (vector "warm"))
      (preload (current-read-interaction))
      (void))
  (define-values (declared?) (module-declared? ''candidate #f))
  (define-values (job) (open-input-file (build-path folder "job")))
  (set! mark (read-line job))
  (set! entry (string->symbol (read-line job)))
  (define-values (calls) (read-calls))
  (if declared?
      (void)
      (declare (lambda () (read-module "candidate.rkt")) 'candidate))
  (emit "start")
  ; The candidate gets its own plumber, so its exit handlers do not run when the driver exits.
  (with-parameters
   (lambda ()
     (attempt
      (lambda () (dynamic-require ''candidate #f))
      (lambda (error)
        (emit "raised" "load" (message error))
        (finish 1)))
     (let ([f (find)])
       (if (eq? f absent)
           (begin
             (emit "absent")
             (finish 1))
           (begin
             (emit "loaded")
             (run f calls 0)
             (finish 0)))))
   current-plumber (make-plumber)
   current-command-line-arguments (vector)))
