#lang racket

(define (balanced text)
  (let loop ([characters (string->list text)] [stack '()])
    (match characters
      ['() (empty? stack)]
      [(cons (and c (or #\( #\[ #\{)) rest) (loop rest (cons c stack))]
      [(cons (and c (or #\) #\] #\})) rest)
       (and (pair? stack)
            (loop rest (cdr stack)))]
      [(cons _ rest) (loop rest stack)])))
