// Package glotsmith is compiled once a machine and initialised before the candidate. It prints results.
package glotsmith

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// Value is what a call returns.
type Value = interface{}

// Tuple is what a call returns that has several results.
type Tuple []interface{}

const (
	stack   = 256 << 20 // a deeper recursion is a fatal error
	tooDeep = 100
)

var (
	out  int // the program may close its own
	mark string
)

func init() {
	debug.SetMaxStack(stack)
	out, _ = syscall.Dup(1)
}

// Start says that the program has been compiled.
func Start(token string) {
	mark = token
	emit("start")
}

// Loaded says that the candidate's variables and init functions are done.
func Loaded() { emit("loaded") }

// End says that all cases ran, and leaves.
func End() {
	emit("end")
	syscall.Exit(0)
}

// Results takes what a function returns, be it one value or several.
func Results(values ...interface{}) Value {
	if len(values) == 1 {
		return values[0]
	}
	return Tuple(values)
}

// Case runs one call.
func Case(index int, call func() Value) {
	number := strconv.Itoa(index)
	said := "raised " + number + " " + text("panic")
	defer func() { emit(said) }()
	defer func() {
		if reason := recover(); reason != nil {
			said = "raised " + number + " " + text(fmt.Sprint(reason))
		}
	}()
	var line strings.Builder
	line.WriteString("value " + number + " ")
	show(&line, reflect.ValueOf(call()), 0)
	said = line.String()
}

func emit(said string) {
	data := []byte("\n" + mark + " " + said + "\n")
	for len(data) > 0 {
		n, err := syscall.Write(out, data)
		if err == syscall.EINTR || err == syscall.EAGAIN {
			continue
		}
		if err != nil {
			syscall.Exit(1)
		}
		data = data[n:]
	}
}

func show(b *strings.Builder, v reflect.Value, depth int) {
	if depth > tooDeep {
		other(b, "too deep")
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("null")
	case reflect.Ptr, reflect.Interface:
		show(b, v.Elem(), depth+1)
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		b.WriteString(`{"f":"` + strconv.FormatFloat(v.Float(), 'g', 17, 64) + `"}`)
	case reflect.String:
		b.WriteString(text(v.String()))
	case reflect.Slice, reflect.Array:
		sequence(b, v, depth)
	case reflect.Map:
		pairs(b, v, depth)
	default:
		other(b, v.Type().String())
	}
}

func sequence(b *strings.Builder, v reflect.Value, depth int) {
	open, end := "[", "]"
	if v.Type() == reflect.TypeOf(Tuple{}) {
		open, end = `{"t":[`, "]}"
	}
	b.WriteString(open)
	for i := 0; i < v.Len(); i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		show(b, v.Index(i), depth+1)
	}
	b.WriteString(end)
}

func pairs(b *strings.Builder, v reflect.Value, depth int) {
	b.WriteString(`{"m":[`)
	entries := v.MapRange()
	for i := 0; entries.Next(); i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('[')
		show(b, entries.Key(), depth+1)
		b.WriteByte(',')
		show(b, entries.Value(), depth+1)
		b.WriteByte(']')
	}
	b.WriteString("]}")
}

func other(b *strings.Builder, what string) {
	b.WriteString(`{"x":` + text(what) + "}")
}

// text leaves bytes that are no UTF-8 as they are: they equal nothing.
func text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 32 || c == 127:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
