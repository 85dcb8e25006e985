#lang racket
; What programs use: its macros are expanded, and what they load is loaded, before a warm interpreter forks.
(provide f)
(define-struct point (x y))
(struct pair (left right) #:transparent)
(define table (make-hash))
(define (count-letters text)
  (for/fold ([counts (hash)]) ([c (in-string text)])
    (hash-update counts (string c) add1 0)))
(define (loop n [total 0])
  (let loop ([i 0] [total total])
    (cond
      [(= i n) total]
      [(odd? i) (loop (+ i 1) (+ total i))]
      [else (loop (add1 i) total)])))
(define (describe x)
  (match x
    [(list a b _ ...) (list a b)]
    [(cons a _) a]
    [(? string? s) s]
    [(pair l r) (list l r)]
    [_ #f]))
(define (f n)
  (define xs (range n))
  (define-values (evens odds) (partition even? xs))
  (define best #f)
  (for ([x xs] [i (in-naturals)] #:when (> x 0))
    (hash-set! table x i)
    (set! best x))
  (for* ([x xs] [y (in-list xs)])
    (hash-ref table x (lambda () y)))
  (when (and best (or (null? xs) (not (zero? n))))
    (unless (empty? xs)
      (set! best (first xs))))
  (let* ([text (string-join (map number->string xs) ",")] [parts (string-split text ",")])
    (case n
      [(1 2) 'few]
      [else 'many])
    (list (count-letters text)
          (loop n)
          (describe parts)
          (for/list ([x xs] #:unless (= x 1))
            (* x x))
          (for/sum ([x xs]) x)
          (for/vector ([x xs]) x)
          (for/hash ([x xs]) (values x (format "~a" x)))
          (for/or ([x xs]) (and (> x 1) x))
          (for/and ([x xs]) (number? x))
          (sort xs > #:key values)
          (filter odd? xs)
          (foldl + 0 xs)
          (apply max 0 xs)
          (let/ec return
            (return (length xs)))
          (with-handlers ([exn:fail? (lambda (e) (exn-message e))])
            (error "no"))
          (letrec ([even (lambda (k) (if (= k 0) #t (odd (- k 1))))] [odd (lambda (k) (if (= k 0) #f (even (- k 1))))])
            (even n))
          (do ([i 0 (+ i 1)] [acc '() (cons i acc)]) ((= i 2) acc))
          `(a ,n ,@xs)
          (set-count (list->set xs))
          (string-upcase text)
          (exact->inexact (/ n 2))
          (remove-duplicates (append evens odds)))))
