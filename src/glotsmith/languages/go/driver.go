// Package arguments is initialised before the candidate, and sees none of its names; build.sh cuts it from the rest.
package arguments

import (
	"glotsmith"
	"math"
)

func float(bits int64) float64 { return math.Float64frombits(uint64(bits)) }

func some[T any](x T) *T { return &x }

func init() { glotsmith.Start("@{mark}") }

// Ready makes this package one that is used.
func Ready() { glotsmith.Loaded() }

@{bindings}
//cut: the calls, in a file of the candidate's package; its init runs when all of the candidate's have
import glotsmith_ "glotsmith"
import arguments_ "arguments"

func init() {
	arguments_.Ready()
@{cases}
	glotsmith_.End()
}
