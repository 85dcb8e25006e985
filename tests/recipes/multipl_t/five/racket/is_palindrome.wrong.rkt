#lang racket

(define (is_palindrome text)
  (define letters (string->list (string-downcase text)))
  (equal? letters (reverse letters)))
