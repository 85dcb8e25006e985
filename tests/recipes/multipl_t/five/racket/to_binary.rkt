#lang racket

(define (to_binary n)
  (number->string n 2))
