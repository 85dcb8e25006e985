// Package glotsmith is compiled once a machine and initialised before the candidate. It prints results.
package glotsmith

import (
	"fmt"
	"math"
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

// To returns a value as a T that holds it; it panics where T does not.
func To[T any](v Value) T {
	var result T
	reflect.ValueOf(&result).Elem().Set(convert(reflect.ValueOf(v), reflect.TypeOf(&result).Elem()))
	return result
}

// CheckTo ends the program if no value of an argument's type can be passed as a T.
func CheckTo[T any](argument Value) {
	var declared T
	if t := reflect.TypeOf(&declared).Elem(); !takes(reflect.TypeOf(argument), t) {
		emit("mismatch " + text(fmt.Sprintf("a parameter is %v", t)))
		syscall.Exit(1)
	}
}

// Check ends the program if a function cannot be called with arguments of these types.
func Check(function Value, arguments ...Value) {
	t := reflect.TypeOf(function)
	fits := t != nil && t.Kind() == reflect.Func && t.NumIn() == len(arguments) && t.NumOut() > 0
	for i := 0; fits && i < len(arguments); i++ {
		fits = takes(reflect.TypeOf(arguments[i]), t.In(i))
	}
	if !fits {
		emit("mismatch " + text(fmt.Sprintf("the entry point is %T", function)))
		syscall.Exit(1)
	}
}

// Call calls a function with arguments converted to the types that it declares.
func Call(function Value, arguments ...Value) Value {
	f := reflect.ValueOf(function)
	in := make([]reflect.Value, len(arguments))
	for i, argument := range arguments {
		in[i] = convert(reflect.ValueOf(argument), f.Type().In(i))
	}
	call := f.Call
	if f.Type().IsVariadic() {
		call = f.CallSlice
	}
	var out []Value
	for _, result := range call(in) {
		out = append(out, result.Interface())
	}
	return Results(out...)
}

func isInt(t reflect.Type) bool  { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 }
func isUint(t reflect.Type) bool { return t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uintptr }
func isFloat(t reflect.Type) bool {
	return t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64
}

// takes tells whether values of type from, some at least, can be passed as values of type to.
func takes(from, to reflect.Type) bool {
	if from == nil || from.Kind() == reflect.Interface || from.AssignableTo(to) {
		return true // what is in it shows with the value
	}
	switch from.Kind() {
	case reflect.Int:
		return isInt(to) || isUint(to) || isFloat(to)
	case reflect.Float64:
		return isFloat(to)
	case reflect.Bool:
		return to.Kind() == reflect.Bool
	case reflect.String:
		return from.ConvertibleTo(to) || isLetter(to)
	case reflect.Slice:
		return (to.Kind() == reflect.Slice || to.Kind() == reflect.Array) && takes(from.Elem(), to.Elem())
	case reflect.Map:
		return to.Kind() == reflect.Map && takes(from.Key(), to.Key()) && takes(from.Elem(), to.Elem())
	case reflect.Ptr:
		if to.Kind() == reflect.Slice || to.Kind() == reflect.Map {
			return takes(from.Elem(), to)
		}
		return to.Kind() == reflect.Ptr && takes(from.Elem(), to.Elem())
	}
	return false
}

// isLetter tells whether values of a type may stand for a text of one character: runes and bytes.
func isLetter(t reflect.Type) bool { return t.Kind() == reflect.Int32 || t.Kind() == reflect.Uint8 }

func letter(v reflect.Value, to reflect.Type) reflect.Value {
	all := []rune(v.String())
	if len(all) != 1 || to.Kind() == reflect.Uint8 && all[0] > 127 {
		panic(strconv.Quote(v.String()) + " does not fit the declared type " + to.String())
	}
	return reflect.ValueOf(all[0]).Convert(to)
}

func unfit(v reflect.Value, to reflect.Type) string {
	return fmt.Sprintf("%v does not fit the declared type %v", v, to)
}

// convert returns v as a value of type to; it panics if that would be another value.
func convert(v reflect.Value, to reflect.Type) reflect.Value {
	if v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() { // nil
		if kind := to.Kind(); kind != reflect.Interface && kind != reflect.Ptr {
			panic("nil does not fit the declared type " + to.String())
		}
		return reflect.Zero(to)
	}
	if v.Type().AssignableTo(to) {
		return v
	}
	if !takes(v.Type(), to) {
		panic(unfit(v, to))
	}
	switch v.Kind() {
	case reflect.Int, reflect.Float64:
		return number(v, to)
	case reflect.Slice:
		return items(v, to)
	case reflect.Map:
		return entries(v, to)
	case reflect.String:
		if isLetter(to) {
			return letter(v, to)
		}
	case reflect.Ptr:
		if v.IsNil() {
			return reflect.Zero(to)
		}
		if to.Kind() != reflect.Ptr {
			return convert(v.Elem(), to)
		}
		pointer := reflect.New(to.Elem())
		pointer.Elem().Set(convert(v.Elem(), to.Elem()))
		return pointer.Convert(to)
	}
	return v.Convert(to)
}

// number lets a fraction take the nearest value; a whole number has to stay what it is.
func number(v reflect.Value, to reflect.Type) reflect.Value {
	result := v.Convert(to)
	fits := false
	switch {
	case isInt(to):
		fits = result.Int() == v.Int()
	case isUint(to):
		fits = v.Int() >= 0 && result.Uint() == uint64(v.Int())
	case v.Kind() == reflect.Int:
		fits = math.Abs(result.Float()) < 1<<63 && int64(result.Float()) == v.Int()
	default:
		x, y := v.Float(), result.Float()
		near := x != math.Trunc(x) && math.Abs(y) >= 1.1754943508222875e-38 && !math.IsInf(y, 0)
		fits = x == y || x != x || near
	}
	if !fits {
		panic(unfit(v, to))
	}
	return result
}

func items(v reflect.Value, to reflect.Type) reflect.Value {
	result := reflect.New(to).Elem()
	if to.Kind() == reflect.Slice {
		result.Set(reflect.MakeSlice(to, v.Len(), v.Len()))
	} else if to.Len() != v.Len() {
		panic(unfit(v, to))
	}
	for i := 0; i < v.Len(); i++ {
		result.Index(i).Set(convert(v.Index(i), to.Elem()))
	}
	return result
}

func entries(v reflect.Value, to reflect.Type) reflect.Value {
	result := reflect.MakeMap(to)
	for all := v.MapRange(); all.Next(); {
		result.SetMapIndex(convert(all.Key(), to.Key()), convert(all.Value(), to.Elem()))
	}
	return result
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
