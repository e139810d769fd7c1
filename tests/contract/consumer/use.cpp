/* SPDX-License-Identifier: MIT */
/* use.cpp -- a stranger's program in C++: a behaviour of its own, one ask. */
#include <liminal.h>

#include <iostream>
#include <string>

static liminal_status greet(void *, const liminal_envelope *name, liminal_envelope **out)
{
    return liminal_envelope_printf(out, "hello, %s", liminal_envelope_text(name));
}

int main()
{
    liminal_behaviour greeter{};
    greeter.size = sizeof greeter;
    greeter.answer = greet;

    liminal_supervisor *house = nullptr;
    liminal_envelope *name = nullptr, *greeting = nullptr;
    liminal_status st = liminal_supervisor_open(nullptr, &house);
    if (st == LIMINAL_OK) {
        st = liminal_envelope_printf(&name, "stranger");
    }
    if (st == LIMINAL_OK) {
        st = liminal_supervisor_ask(house, &greeter, nullptr, &name, &greeting);
    }
    const std::string text = greeting != nullptr ? liminal_envelope_text(greeting) : "";
    std::cout << liminal_status_name(st) << ": " << text << '\n';
    liminal_envelope_drop(&greeting);
    liminal_envelope_drop(&name);
    if (house != nullptr && liminal_supervisor_shutdown(&house, nullptr, liminal_deadline_in_ms(5000)) != LIMINAL_OK) {
        return 1;
    }
    return st == LIMINAL_OK && text == "hello, stranger" ? 0 : 1;
}
