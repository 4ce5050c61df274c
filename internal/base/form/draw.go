package form

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"guanxi/internal/base/money"
)

var (
	rateType = reflect.TypeFor[money.Rate]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	units    = []string{"", "fen", "points", "days", "months", "percent", "ms"}
)

// draw reads the tags of a struct type.
func draw(t reflect.Type, depth int) []Field {
	if t.Kind() != reflect.Struct || depth > maxNested {
		panic("form: " + t.String() + " is not a struct, or is nested too deep")
	}
	fields := []Field{}
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Tag.Get("json") == "-" {
			continue
		}
		f := drawField(t, sf, depth)
		f.index = i
		if slices.ContainsFunc(fields, func(o Field) bool { return o.Name == f.Name }) {
			refuse(t, sf, "has the name of another field")
		}
		fields = append(fields, f)
	}
	return fields
}

func drawField(t reflect.Type, sf reflect.StructField, depth int) Field {
	tag := sf.Tag
	f := Field{
		Name: tag.Get("json"), Type: typeOf(sf),
		Zh: tag.Get("zh"), En: tag.Get("en"), Help: tag.Get("help"), HelpEn: tag.Get("help_en"),
		Required: tag.Get("required") == "true", Unit: tag.Get("unit"),
	}
	switch {
	case !sf.IsExported() || sf.Anonymous:
		refuse(t, sf, "must be exported and named")
	case f.Type == "":
		refuse(t, sf, "has a type no form can show")
	case f.Name == "" || strings.ContainsAny(f.Name, ",.[]"):
		refuse(t, sf, "needs a plain json name without options")
	case f.Zh == "" || f.En == "" || (f.Help == "") != (f.HelpEn == ""):
		refuse(t, sf, "needs its texts in zh and en")
	case !slices.Contains(units, f.Unit):
		refuse(t, sf, "has an unknown unit")
	}
	if !f.setBounds(tag) || !f.setOptions(tag) {
		refuse(t, sf, "has bounds or options that can't be read or do not fit its type")
	}
	switch f.Type {
	case Object:
		f.Fields = draw(sf.Type, depth+1)
	case List:
		f.Fields = draw(sf.Type.Elem(), depth+1)
	}
	return f
}

func refuse(t reflect.Type, sf reflect.StructField, why string) {
	panic("form: " + t.String() + "." + sf.Name + " " + why)
}

// typeOf gives "" for what a form can't show. A Rate is an int64 underneath, so it is asked first.
func typeOf(sf reflect.StructField) Type {
	switch t := sf.Type; {
	case t == rawType && sf.Tag.Get("kind") == "cond":
		return Cond
	case sf.Tag.Get("kind") != "":
		return ""
	case t.Kind() == reflect.Slice && t.Elem() != rateType:
		return sliceTypes[t.Elem().Kind()]
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem() == rateType:
		return Rates
	case t == rateType:
		return Rate
	default:
		return plainTypes[t.Kind()]
	}
}

var plainTypes = map[reflect.Kind]Type{
	reflect.Int: Int, reflect.Int64: Int, reflect.String: Text, reflect.Bool: Bool, reflect.Struct: Object,
}

var sliceTypes = map[reflect.Kind]Type{
	reflect.Int: Ints, reflect.Int64: Ints, reflect.String: Texts, reflect.Struct: List,
}

// setBounds reads min and max; texts and lists have limits of their own where the struct sets none.
func (f *Field) setBounds(tag reflect.StructTag) bool {
	f.lo, f.hi = math.MinInt64, math.MaxInt64
	switch f.Type {
	case Text, Texts:
		f.lo, f.hi, f.Max = 0, MaxText, json.Number(strconv.Itoa(MaxText))
	case List:
		f.lo, f.hi, f.Max = 0, MaxItems, json.Number(strconv.Itoa(MaxItems))
	}
	return f.setBound(tag, "min", &f.Min, &f.lo) && f.setBound(tag, "max", &f.Max, &f.hi) && f.lo <= f.hi
}

func (f *Field) setBound(tag reflect.StructTag, name string, shown *json.Number, bound *int64) (ok bool) {
	text, given := tag.Lookup(name)
	if !given {
		return true
	}
	switch f.Type {
	case Rate, Rates:
		r, err := money.ParseRate(text)
		*bound, *shown, ok = int64(r), json.Number(r.String()), err == nil
	case Int, Ints, Text, Texts, List:
		n, err := strconv.ParseInt(text, 10, 64)
		*bound, *shown, ok = n, json.Number(strconv.FormatInt(n, 10)), err == nil
	}
	return ok
}

// setOptions reads "value=中文/English,…".
func (f *Field) setOptions(tag reflect.StructTag) bool {
	text, given := tag.Lookup("options")
	if !given {
		return true
	}
	for part := range strings.SplitSeq(text, ",") {
		value, names, ok := strings.Cut(part, "=")
		zh, en, named := strings.Cut(names, "/")
		if !ok || !named || value == "" || zh == "" || en == "" {
			return false
		}
		f.Options = append(f.Options, Option{Value: value, Zh: zh, En: en})
	}
	return slices.Contains([]Type{Int, Ints, Text, Texts, Rates}, f.Type)
}
