package cond

import "slices"

// Op is one question asked of a field.
type Op string

// The ops. Between takes [lo, hi], both included.
const (
	Eq      Op = "eq"
	Ne      Op = "ne"
	Lt      Op = "lt"
	Lte     Op = "lte"
	Gt      Op = "gt"
	Gte     Op = "gte"
	Between Op = "between"
	In      Op = "in"
	Nin     Op = "nin"
	Prefix  Op = "prefix"
	AnyOf   Op = "any_of"
	AllOf   Op = "all_of"
	NoneOf  Op = "none_of"
)

// shape is the JSON a question's value has.
type shape int

const (
	one  shape = iota // a single value
	pair              // [lo, hi]
	many              // a list of one value or more
)

// question is what Eval and SQL know of an op: denying ops only deny another, so there are few to answer.
type question struct {
	op     Op
	types  []Type
	shape  shape
	ask    Op
	deny   bool
	zh, en string
}

var questions = []question{
	{Eq, []Type{Int, Text, Bool}, one, In, false, "为", "is"},
	{Ne, []Type{Int, Text}, one, In, true, "不为", "is not"},
	{Lt, []Type{Int}, one, Lt, false, "小于", "is less than"},
	{Lte, []Type{Int}, one, Lte, false, "不大于", "is at most"},
	{Gt, []Type{Int}, one, Gt, false, "大于", "is more than"},
	{Gte, []Type{Int}, one, Gte, false, "不小于", "is at least"},
	{Between, []Type{Int}, pair, Between, false, "介于", "is between"},
	{In, []Type{Int, Text}, many, In, false, "属于", "is one of"},
	{Nin, []Type{Int, Text}, many, In, true, "不属于", "is none of"},
	{Prefix, []Type{Text}, one, Prefix, false, "开头为", "starts with"},
	{AnyOf, []Type{Set}, many, AnyOf, false, "含任一", "has any of"},
	{AllOf, []Type{Set}, many, AllOf, false, "全含", "has all of"},
	{NoneOf, []Type{Set}, many, AnyOf, true, "不含", "has none of"},
}

// Ops lists what may be asked of the type; nothing for an unknown type.
func (t Type) Ops() []Op {
	var out []Op
	for _, q := range questions {
		if slices.Contains(q.types, t) {
			out = append(out, q.op)
		}
	}
	return out
}

// questionOf finds the question, if it may be asked of the type.
func questionOf(op Op, t Type) *question {
	for i := range questions {
		if questions[i].op == op && slices.Contains(questions[i].types, t) {
			return &questions[i]
		}
	}
	return nil
}
