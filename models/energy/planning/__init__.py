"""Plans of production: a problem in steps of time, schedules of it, what they take, and the search for better ones.

Times are whole steps from the plan's begin, power is kW, money the plant's currency. What people write and read is made
of it elsewhere; nothing here knows orders' topics or plant files.
"""
