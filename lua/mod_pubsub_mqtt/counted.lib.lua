-- A number of things in words: 1 message, 2 messages.

return function (number, what)
	return ("%d %s%s"):format(number, what, number == 1 and "" or "s");
end
