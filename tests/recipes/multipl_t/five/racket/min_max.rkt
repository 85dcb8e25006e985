#lang racket

(define (min_max xs)
  (if (empty? xs)
      #f
      (list (apply min xs) (apply max xs))))
