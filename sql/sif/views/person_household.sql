-- One row per person with a household in the school year: the current one.
-- Reads: HouseholdMember, scope.
-- Rules: current is the primary membership that lasts longest (open before ended), then the latest
-- start, then the greatest householdID.
SELECT
    m.personID,
    first_value(m.householdID ORDER BY
        m.endDate DESC NULLS FIRST, m.startDate DESC NULLS LAST, m.householdID DESC
    ) AS householdID
FROM scope y
CROSS JOIN HouseholdMember m
WHERE m.secondary IS NOT TRUE
    AND (m.endDate IS NULL OR m.endDate >= y.year_start)
    AND (m.startDate IS NULL OR m.startDate <= y.year_end)
GROUP BY m.personID
