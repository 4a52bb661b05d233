// A unit of the large program: sessions and messages of many sorts, as a server has them.
#include "large.hpp"

namespace UNIT {

struct certificate; // Only declared here.

enum class state { greeting, talking, closing };

template <int Sort> struct message {
    enum kind { ask, answer, error };
    kind kind;
    unsigned flags : 4;
    unsigned length : 28;
    union {
        struct {
            long key;
            double weight;
        } asked;
        char text[Sort + 16];
    };
    message *next;
};

template <int Sort> class session {
public:
    explicit session(std::string peer) : peer(std::move(peer)) {}

    long handle(message<Sort> &incoming)
    {
        history.push_back(incoming);
        handlers[incoming.kind] = [this](message<Sort> &message) { return message.length + history.size(); };
        switch (state) {
        case state::greeting:
            state = state::talking;
            break;
        case state::talking:
            state = state::closing;
            break;
        case state::closing:
            return 0;
        }
        auto handler = handlers.find(incoming.kind);
        return handler == handlers.end() ? -1 : static_cast<long>(handler->second(incoming));
    }

private:
    std::string peer;
    enum state state = state::greeting;
    std::vector<message<Sort>> history;
    std::map<int, std::function<std::size_t(message<Sort> &)>> handlers;
    std::weak_ptr<session> other_end;
    certificate *trusted = nullptr;
};

template <int... Sort> long serve_all(std::integer_sequence<int, Sort...>, long seed)
{
    auto serve = [seed](auto session, auto message) {
        message.length = static_cast<unsigned>(seed) & 0xffff;
        return session.handle(message);
    };
    return (serve(session<Sort>("peer"), message<Sort>{}) + ...);
}

long serve_everything(long seed)
{
    return serve_all(std::make_integer_sequence<int, NETWORK_SORTS>{}, seed);
}

static long dispatch(session<5> &session, message<5> *queue, request &request)
{
    long handled = 0;
    for (message<5> *message = queue; message; message = message->next)
        handled += session.handle(*message);
    return pass_on(request) + handled;
}

long enter(request &request)
{
    session<5> session(request.title);
    message<5> second{message<5>::answer, 2, 20, {{7, 1.5}}, nullptr};
    message<5> first{message<5>::ask, 1, 10, {{request.id, 0.5}}, &second};
    return dispatch(session, &first, request) + second.length;
}

} // namespace UNIT
