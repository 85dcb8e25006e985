#lang racket

(define (to_binary n)
  (number->string (abs n) 2))
