// The lab's statistics by the names people know, each spelled as what it is.

import { lasting, number, percent, signed } from "./words.js";

const money = (value) => signed(value), plain = (value) => number(value), whole = (value) => number(value, 0);
const share = (value) => percent(value), length = (value) => value === null ? "\u2013" : lasting(value);

export const ALL = [
  ["Trades", "trades", whole], ["Net profit", "net_profit", money], ["Return", "total_return", (value) => percent(value, 2)], ["Won", "win_rate", share],
  ["Profit factor", "profit_factor", plain], ["Expectancy", "expectancy", money], ["Average win", "average_win", money], ["Average loss", "average_loss", money],
  ["Payoff", "payoff", plain], ["Best trade", "best_trade", money], ["Worst trade", "worst_trade", money], ["Wins in a row", "longest_wins", whole],
  ["Losses in a row", "longest_losses", whole], ["Held on average", "average_seconds", length], ["Fees", "fees", plain], ["Drawdown", "drawdown", (value) => percent(value, 2)],
  ["Drawdown in money", "drawdown_money", plain], ["Longest below a peak", "drawdown_seconds", length], ["Recovery", "recovery", plain], ["Annual return", "annual_return", share],
  ["Volatility", "volatility", share], ["Sharpe", "sharpe", plain], ["Sortino", "sortino", plain], ["Calmar", "calmar", plain],
  ["Profitable weeks", "profitable_weeks", share], ["Profitable months", "profitable_months", share],
];

export const spelled = (figures, name, format) => { const value = figures?.[name]; return value === null || value === undefined ? "\u2013" : format(value); };
