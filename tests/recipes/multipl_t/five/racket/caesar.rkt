#lang racket

(define (caesar text shift)
  (define (move c base)
    (integer->char (+ base (modulo (+ (- (char->integer c) base) shift) 26))))
  (list->string
   (for/list ([c text])
     (cond
       [(char<=? #\a c #\z) (move c 97)]
       [(char<=? #\A c #\Z) (move c 65)]
       [else c]))))
