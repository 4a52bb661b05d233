// A unit of the large program: tables of columns, as a storage engine has them.
#include "large.hpp"

namespace UNIT {

struct schema; // Only declared here.

template <int Width> struct column {
    std::string name;
    long cells[Width + 1];
    std::vector<column *> peers;
    std::optional<std::string> comment;
    virtual ~column() = default;
    virtual long total() const
    {
        long sum = 0;
        for (long cell : cells)
            sum += cell;
        return sum;
    }
};

template <int Width> struct indexed_column final : column<Width> {
    std::unordered_map<long, std::vector<std::size_t>> rows_by_cell;
    long total() const override
    {
        long sum = column<Width>::total();
        for (const auto &[cell, rows] : rows_by_cell)
            sum += cell * static_cast<long>(rows.size());
        return sum;
    }
};

template <int Width> class table {
public:
    long insert(const std::string &name, long value)
    {
        auto added = std::make_shared<indexed_column<Width>>();
        added->name = name;
        added->cells[0] = value;
        added->rows_by_cell[value].push_back(columns.size());
        columns.emplace(name, added);
        by_id[value] = std::move(added);
        return visit([value](const column<Width> &column) { return column.total() + value; });
    }

    template <typename Visitor> long visit(Visitor visitor) const
    {
        long sum = 0;
        for (const auto &[name, column] : columns)
            sum += visitor(*column);
        return sum;
    }

private:
    std::map<std::string, std::shared_ptr<column<Width>>> columns;
    std::unordered_map<long, std::shared_ptr<column<Width>>> by_id;
    schema *described_by = nullptr;
};

template <int... Width> long fill_all(std::integer_sequence<int, Width...>, long value)
{
    return (table<Width>{}.insert("column", value + Width) + ...);
}

long fill(long value)
{
    return fill_all(std::make_integer_sequence<int, STORAGE_TABLES>{}, value);
}

static long scan(table<3> &table, request &request, int row)
{
    column<3> last{};
    last.name = request.title;
    last.cells[0] = row;
    long inserted = table.insert("scanned", row);
    return inserted + pass_on(request) + last.total();
}

long enter(request &request)
{
    table<3> table;
    std::map<std::string, long> counts{{"rows", request.id}, {"pages", 2}};
    return scan(table, request, static_cast<int>(request.at)) + counts["rows"];
}

} // namespace UNIT
